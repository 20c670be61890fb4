package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"sync"
	"unicode/utf8"
)

// printer writes what came to standard output. Its methods may be called by any
// goroutine.
type printer struct {
	json, raw bool

	mu  sync.Mutex
	out io.Writer // guarded by mu
}

// content is the body of a message in JSON.
type content struct {
	Bytes  int    `json:"bytes"`
	Body   string `json:"body"`             // as it is if that is UTF-8
	Base64 bool   `json:"base64,omitempty"` // otherwise in base64
}

func contentOf(b []byte) content {
	if utf8.Valid(b) {
		return content{len(b), string(b), false}
	}
	return content{len(b), base64.StdEncoding.EncodeToString(b), true}
}

// object writes a line of JSON.
func (p *printer) object(v any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return json.NewEncoder(p.out).Encode(v)
}

// message writes a body after a prefix: exactly if it is to be raw, otherwise
// with a line end.
func (p *printer) message(prefix string, b []byte) error {
	if p.raw {
		return p.exactly(b)
	}
	line := append([]byte(prefix), b...)
	if !bytes.HasSuffix(line, []byte("\n")) {
		line = append(line, '\n')
	}
	return p.exactly(line)
}

func (p *printer) exactly(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := p.out.Write(b)
	return err
}
