// Package topics finds the members of clusters and the subscribers of topics
// and sends to them.
package topics
