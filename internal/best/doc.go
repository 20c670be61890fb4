// Package best picks the first few of many in some order, without sorting or keeping
// the many: a page of a long list, the ten busiest of all. A [Place] says where a page ends, so that the
// next begins there.
package best
