package best

import (
	"cmp"
	"errors"
	"strconv"
	"strings"
)

// Place is where something stands in an order: by Number, then by Text, then by Key, of which there are no two alike.
type Place struct {
	Number    int64
	Text, Key string
}

// Order is the order of places from the least on or, Down, from the greatest; where Number and Text are the same, by
// Key from the least on either way. After is the last place of the page before; nil: there was none.
type Order struct {
	Down  bool
	After *Place
}

// Before reports whether a comes before b.
func (o Order) Before(a, b Place) bool {
	c := cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Text, b.Text))
	if o.Down {
		c = -c
	}
	return cmp.Or(c, cmp.Compare(a.Key, b.Key)) < 0
}

// Wants reports whether p comes after the page before. What has moved meanwhile may come twice or not at all;
// whatever else comes and goes, the others come once.
func (o Order) Wants(p Place) bool { return o.After == nil || o.Before(*o.After, p) }

// maxText is how much of a Text a page remembers, in bytes.
const maxText = 256

// Cut is p with so little text that it can be passed on: what is longer counts as its beginning.
func (p Place) Cut() Place {
	if len(p.Text) > maxText {
		p.Text = strings.ToValidUTF8(p.Text[:maxText], "")
	}
	return p
}

// String writes p for ParsePlace.
func (p Place) String() string {
	return strconv.FormatInt(p.Number, 10) + "," + strconv.Itoa(len(p.Text)) + "," + p.Text + p.Key
}

var errPlace = errors.New("not what a page said comes next")

// ParsePlace reads what String wrote.
func ParsePlace(s string) (Place, error) {
	number, rest, _ := strings.Cut(s, ",")
	length, rest, ok := strings.Cut(rest, ",")
	n, err := strconv.ParseInt(number, 10, 64)
	size, bad := strconv.Atoi(length)
	if !ok || err != nil || bad != nil || size < 0 || size > len(rest) {
		return Place{}, errPlace
	}
	return Place{n, rest[:size], rest[size:]}, nil
}
