package main

import "context"

// tunnels measures a stream of bytes in large writes.
func (b *bench) tunnels(ctx context.Context) error {
	peers := b.beside("quic", "tls")
	all, err := b.begin(ctx, peers, 1)
	if err != nil {
		return err
	}
	defer all.stop()
	writes := map[string]int64{}
	for _, p := range peers {
		const first = 512
		bytes, err := all[p].stream(ctx, first)
		if err != nil {
			return err
		}
		writes[p] = max(int64(bytes*b.time.Seconds())/chunk, first)
	}
	f := figures{}
	err = b.profiled(ctx, all[iris], "tunnel", func() error {
		for range b.rounds {
			for _, p := range peers {
				bytes, err := all[p].stream(ctx, writes[p])
				if err != nil {
					return err
				}
				f.add(p, bytes/1e6)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	b.rows(row{Mode: "tunnel", Size: chunk, Unit: "MB/s"}, f, peers)
	return nil
}
