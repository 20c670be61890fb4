package client

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"iris/node/inspect"
)

// List asks a node for the first limit items of a list, 0 for all, page by page.
// Next of the result says where the rest begins. A list that changes meanwhile
// may lack what came and went, and have nothing twice.
func List[T any](ctx context.Context, c *Client, node, what string, args url.Values, limit int) (inspect.Page[T], error) {
	all := inspect.Page[T]{Items: []T{}}
	args = maps.Clone(args)
	if args == nil {
		args = url.Values{}
	}
	for {
		n := maxPage
		if limit > 0 {
			n = min(n, limit-len(all.Items))
		}
		args.Set("limit", strconv.Itoa(n))
		var page inspect.Page[T]
		if err := c.Get(ctx, node, what, args, &page); err != nil {
			return all, err
		}
		all.Items = slices.Concat(all.Items, page.Items)
		all.Total, all.Next = max(page.Total, len(all.Items)), page.Next
		switch {
		case page.Next == "" || limit > 0 && len(all.Items) >= limit:
			return all, nil
		case page.Next == args.Get("after") || len(page.Items) == 0:
			return all, fmt.Errorf("the list of %s does not end", what)
		}
		args.Set("after", page.Next)
	}
}
