// Package inspect describes a node to people and tools: plain values with a
// stable JSON form, gathered from the layers when somebody asks.
package inspect
