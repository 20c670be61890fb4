// Package best picks the first few of many in some order, without sorting or keeping
// the many: a page of a long list, the ten busiest of all.
package best
