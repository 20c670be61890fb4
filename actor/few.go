package actor

import "iter"

// few is a set that mostly has no element or one, in which case it takes 16 bytes and the element; a map takes 300 from
// the first on. The zero value is empty.
type few[K comparable] struct {
	one  *K
	more map[K]struct{} // others than one
}

func (f *few[K]) has(k K) bool {
	if f.one != nil && *f.one == k {
		return true
	}
	_, ok := f.more[k]
	return ok
}

func (f *few[K]) add(k K) {
	switch {
	case f.has(k):
	case f.one == nil:
		f.one = &k
	case f.more == nil:
		f.more = map[K]struct{}{k: {}}
	default:
		f.more[k] = struct{}{}
	}
}

func (f *few[K]) remove(k K) {
	if f.one != nil && *f.one == k {
		f.one = nil
		return
	}
	delete(f.more, k)
}

// all yields the elements in no order. The set must not be changed meanwhile.
func (f *few[K]) all() iter.Seq[K] {
	return func(yield func(K) bool) {
		if f.one != nil && !yield(*f.one) {
			return
		}
		for k := range f.more {
			if !yield(k) {
				return
			}
		}
	}
}
