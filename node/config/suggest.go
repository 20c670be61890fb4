package config

import "strings"

// didYouMean returns a hint naming the candidate closest to what was written, or
// "" if none is close: at most a third of the letters differ.
func didYouMean(written string, candidates []string) string {
	if c := closest(written, candidates); c != "" {
		return "did you mean " + c + "?"
	}
	return ""
}

func closest(written string, candidates []string) string {
	best, bestDistance := "", 1<<30
	w := fold(written)
	if len(w) > 2*maxName {
		return ""
	}
	for _, c := range candidates {
		if d := distance(w, fold(c)); d < bestDistance && d <= max(1, len(c)/3) {
			best, bestDistance = c, d
		}
	}
	return best
}

// fold makes spellings that people confuse equal: case, - and _.
func fold(s string) string {
	return strings.ReplaceAll(strings.ToLower(s), "-", "_")
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
