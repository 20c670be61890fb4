package bundle

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// json is Clean of one or several values of JSON; nil if data is not that. Between
// the values everything stays as it is.
func (r *Redactor) json(data []byte) []byte {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) == 0 || bytes.IndexByte([]byte(`{["`), start[0]) < 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	c := jsonCleaner{redactor: r, out: make([]byte, 0, len(data))}
	for done := int64(0); ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(c.open) == 0 && c.skip == 0 {
			return append(c.out, data[done:]...)
		}
		if err != nil {
			return nil
		}
		c.token(t, data[done:d.InputOffset()])
		done = d.InputOffset()
	}
}

// jsonCleaner writes JSON again, token by token.
type jsonCleaner struct {
	redactor *Redactor
	out      []byte
	open     []container
	private  bool // the value that comes next is hidden
	skip     int  // how many containers are open in one that is hidden
}

// container is an object or an array that is not yet closed.
type container struct {
	object, named bool   // it is an object; the name of the value that comes next was read
	start         int    // in what is written
	numbers       []byte // in it, which may be the bytes of a secret
}

// token writes a token; part is its text, and what is in front of it since the
// last one.
func (c *jsonCleaner) token(t json.Token, part []byte) {
	text := bytes.TrimLeft(part, " \t\r\n,:")
	delim, _ := t.(json.Delim)
	if c.skip > 0 {
		switch delim {
		case '{', '[':
			c.skip++
		case '}', ']':
			c.skip--
		}
		return
	}
	c.out = append(c.out, part[:len(part)-len(text)]...)
	if delim == '}' || delim == ']' {
		c.close(text)
		return
	}
	if name, ok := c.name(t); ok {
		c.private = privateKey.MatchString(name)
		c.text(name, text)
		return
	}
	switch private := c.private; {
	case private:
		c.private = false
		c.hide(len(c.out))
		if delim != 0 {
			c.skip = 1
		}
	case delim != 0:
		c.open = append(c.open, container{object: delim == '{', start: len(c.out)})
		c.out = append(c.out, text...)
	default:
		c.scalar(t, text)
	}
}

// name reports whether a token is the name of a value, and returns it.
func (c *jsonCleaner) name(t json.Token) (string, bool) {
	if len(c.open) == 0 {
		return "", false
	}
	in := &c.open[len(c.open)-1]
	if !in.object {
		return "", false
	}
	in.named = !in.named
	name, ok := t.(string)
	return name, ok && in.named
}

// close ends a container. One whose numbers tell a secret is hidden.
func (c *jsonCleaner) close(text []byte) {
	last := c.open[len(c.open)-1]
	c.open = c.open[:len(c.open)-1]
	c.out = append(c.out, text...)
	if c.redactor.known.tells(last.numbers) {
		c.hide(last.start)
	}
}

// scalar writes a value that is no container.
func (c *jsonCleaner) scalar(t json.Token, text []byte) {
	switch t := t.(type) {
	case string:
		c.text(t, text)
	case json.Number:
		if len(c.open) > 0 {
			in := &c.open[len(c.open)-1]
			in.numbers = append(append(in.numbers, text...), ',')
		}
		if !bytes.Equal(c.redactor.text(text), text) {
			c.hide(len(c.out))
			return
		}
		c.out = append(c.out, text...)
	default:
		c.out = append(c.out, text...)
	}
}

// text writes a string, in quotes as it was if nothing is to be hidden.
func (c *jsonCleaner) text(s string, quoted []byte) {
	clean := string(c.redactor.text([]byte(s)))
	if clean == s && !c.redactor.known.tells(quoted) {
		c.out = append(c.out, quoted...)
		return
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(clean); err != nil || clean == s || c.redactor.known.tells(b.Bytes()) {
		c.hide(len(c.out))
		return
	}
	c.out = append(c.out, bytes.TrimRight(b.Bytes(), "\n")...)
}

// hide puts hidden in the place of what is written from start on.
func (c *jsonCleaner) hide(start int) {
	c.out = append(append(append(c.out[:start], '"'), hidden...), '"')
}
