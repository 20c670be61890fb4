package main

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// screen is what a terminal shows: as much of one as programs use that draw on the whole of it. Every character takes one
// cell. Not for concurrent use.
type screen struct {
	width, height int
	x, y          int // x may be width: the next character begins a line
	top, bottom   int // lines that scroll
	cells, below  [][]rune
	alternate     bool // below is what was there before
	hidden        bool // the cursor
	title         string
	strange       []string // sequences that it does not know
	last          rune
	rest          []byte // of a sequence that has not ended
}

func newScreen(width, height int) *screen {
	s := &screen{width: width, height: height, bottom: height - 1}
	s.cells = s.blank()
	return s
}

func (s *screen) blank() [][]rune {
	cells := make([][]rune, s.height)
	for y := range cells {
		cells[y] = slices.Repeat([]rune{' '}, s.width)
	}
	return cells
}

// resize cuts what does not fit, and leaves the rest where it is.
func (s *screen) resize(width, height int) {
	s.width, s.height, s.top, s.bottom = width, height, 0, height-1
	s.x, s.y = min(s.x, width-1), min(s.y, height-1)
	for _, cells := range []*[][]rune{&s.cells, &s.below} {
		now := s.blank()
		for y := range min(height, len(*cells)) {
			copy(now[y], (*cells)[y])
		}
		*cells = now
	}
}

// lines are what it shows, without blanks at the ends.
func (s *screen) lines() []string {
	lines := make([]string, s.height)
	for y, row := range s.cells {
		lines[y] = strings.TrimRight(string(row), " ")
	}
	return lines
}

// row returns the line that has a text; empty if none does.
func (s *screen) row(text string) string {
	for _, line := range s.lines() {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

var (
	control = regexp.MustCompile(`^\x1b\[([0-?]*)([ -/]*)([@-~])`)
	command = regexp.MustCompile(`(?s)^\x1b([\]P_^X])(.*?)(?:\a|\x1b\\)`)
	charset = regexp.MustCompile(`^\x1b[()*+#%]([0-~])`)
	single  = regexp.MustCompile(`^\x1b([0-9=>A-OQ-WYZ\\c-~])`)
)

// Write implements io.Writer.
func (s *screen) Write(b []byte) (int, error) {
	s.rest = append(s.rest, b...)
	for len(s.rest) > 0 {
		n := s.step(s.rest)
		if n == 0 {
			break
		}
		s.rest = s.rest[n:]
	}
	return len(b), nil
}

// step does what stands first in b, and returns how long that is; 0 if its end is missing.
func (s *screen) step(b []byte) int {
	if b[0] == '\x1b' {
		return s.sequence(b)
	}
	if !utf8.FullRune(b) {
		return 0
	}
	r, n := utf8.DecodeRune(b)
	switch r {
	case '\r':
		s.x = 0
	case '\n':
		s.feed()
	case '\b':
		s.x = max(s.x-1, 0)
	case '\t':
		s.x = min(s.x/8*8+8, s.width-1)
	case '\a':
	default:
		s.put(r)
	}
	return n
}

func (s *screen) put(r rune) {
	if s.x >= s.width {
		s.x = 0
		s.feed()
	}
	s.cells[s.y][s.x], s.last = r, r
	s.x++
}

// feed goes down a line.
func (s *screen) feed() {
	if s.y == s.bottom {
		s.scroll(s.top, 1)
	} else {
		s.y = min(s.y+1, s.height-1)
	}
}

// scroll moves the lines from one on up to the bottom; down for less than 0.
func (s *screen) scroll(from, n int) {
	region := s.cells[from : s.bottom+1]
	for range min(max(n, -n), len(region)) {
		fresh := slices.Repeat([]rune{' '}, s.width)
		if n > 0 {
			copy(region, region[1:])
			region[len(region)-1] = fresh
		} else {
			copy(region[1:], region)
			region[0] = fresh
		}
	}
}

func (s *screen) sequence(b []byte) int {
	if m := control.FindSubmatch(b); m != nil {
		s.control(string(m[1]), string(m[2]), m[3][0])
		return len(m[0])
	}
	if m := command.FindSubmatch(b); m != nil {
		if title, ok := bytes.CutPrefix(m[2], []byte("2;")); ok && m[1][0] == ']' {
			s.title = string(title)
		}
		return len(m[0])
	}
	if m := charset.Find(b); m != nil {
		return len(m)
	}
	m := single.FindSubmatch(b)
	if m == nil {
		return 0
	}
	switch m[1][0] {
	case 'M': // up a line
		if s.y == s.top {
			s.scroll(s.top, -1)
		} else {
			s.y = max(s.y-1, 0)
		}
	case '=', '>', '7', '8', '\\':
	default:
		s.strange = append(s.strange, string(m[0]))
	}
	return len(m[0])
}

// control does a control sequence.
func (s *screen) control(args, between string, final byte) {
	if args != "" && strings.ContainsAny(args[:1], "<=>?") || between != "" {
		if args[0] == '?' && between == "" && (final == 'h' || final == 'l') {
			for mode := range strings.SplitSeq(args[1:], ";") {
				s.mode(mode, final == 'h')
			}
		}
		return // the others ask, or change nothing that is seen
	}
	arg := func(i, otherwise int) int {
		list := strings.Split(args, ";")
		if i >= len(list) {
			return otherwise
		}
		n, err := strconv.Atoi(list[i])
		if err != nil || n == 0 {
			return otherwise
		}
		return n
	}
	n := arg(0, 1)
	switch final {
	case 'A':
		s.y = max(s.y-n, 0)
	case 'B', 'e':
		s.y = min(s.y+n, s.height-1)
	case 'C', 'a':
		s.x = min(s.x+n, s.width-1)
	case 'D':
		s.x = max(min(s.x, s.width-1)-n, 0)
	case 'G', '`':
		s.x = min(n, s.width) - 1
	case 'd':
		s.y = min(n, s.height) - 1
	case 'H', 'f':
		s.y, s.x = min(n, s.height)-1, min(arg(1, 1), s.width)-1
	case 'I':
		s.x = min((s.x/8+n)*8, s.width-1)
	case 'Z':
		s.x = max((s.x+7)/8-n, 0) * 8
	case 'J':
		s.eraseLines(arg(0, 0))
	case 'K':
		s.eraseIn(arg(0, 0))
	case 'X':
		s.clear(s.y, s.x, s.x+n)
	case 'b':
		for range n {
			s.put(s.last)
		}
	case '@':
		row := s.cells[s.y]
		copy(row[min(s.x+n, s.width):], row[min(s.x, s.width):])
		s.clear(s.y, s.x, s.x+n)
	case 'P':
		row := s.cells[s.y]
		moved := copy(row[min(s.x, s.width):], row[min(s.x+n, s.width):])
		s.clear(s.y, s.x+moved, s.width)
	case 'L':
		s.scroll(s.y, -n)
	case 'M':
		s.scroll(s.y, n)
	case 'S':
		s.scroll(s.top, n)
	case 'T':
		s.scroll(s.top, -n)
	case 'r':
		s.top, s.bottom = n-1, min(arg(1, s.height), s.height)-1
		s.x, s.y = 0, 0
	case 'm', 'n', 't', 'u', 'c', 'q', 's', 'h', 'l': // colours, questions, styles
	default:
		s.strange = append(s.strange, args+string(final))
	}
}

// mode sets or ends a private mode.
func (s *screen) mode(mode string, on bool) {
	switch {
	case mode == "25":
		s.hidden = !on
	case mode == "1049" && on != s.alternate:
		s.alternate = on
		if on {
			s.below, s.cells = s.cells, s.blank()
		} else {
			s.cells, s.below = s.below, nil
		}
	}
}

// clear blanks the cells of a line between two columns.
func (s *screen) clear(y, from, to int) {
	for x := min(from, s.width); x < min(to, s.width); x++ {
		s.cells[y][x] = ' '
	}
}

func (s *screen) eraseIn(how int) {
	switch how {
	case 0:
		s.clear(s.y, s.x, s.width)
	case 1:
		s.clear(s.y, 0, s.x+1)
	case 2:
		s.clear(s.y, 0, s.width)
	}
}

func (s *screen) eraseLines(how int) {
	s.eraseIn(how)
	for y := range s.height {
		if how == 2 || how == 0 && y > s.y || how == 1 && y < s.y {
			s.clear(y, 0, s.width)
		}
	}
}
