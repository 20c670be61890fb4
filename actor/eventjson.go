package actor

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"iris/internal/printable"
)

// EventKind is the name of an event's type: "PeerDown" for the events of this package, with its package for those of
// others: "shop.StockLow".
func EventKind(ev any) string {
	t := reflect.TypeOf(ev)
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == nil:
		return "nil"
	case t.PkgPath() == reflect.TypeFor[At]().PkgPath():
		return t.Name()
	default:
		return t.String()
	}
}

// maxEventJSON bounds the JSON form of one event, in bytes.
const maxEventJSON = 1 << 20

var errEventSize = errors.New("event too large")

// EncodeEvent returns an event as one JSON object on one line, at most 1 MiB:
//
//	{"kind":"PeerDown","time":"2026-01-02T03:04:05.6Z","node":"4f...","peer":"9c...","reason":"left"}
//
// Kind comes first, then time and node if the event embeds [At], then its exported fields in the order of the type, named
// in snake_case: PIDs as "node/path", durations as whole microseconds in fields that end in _us, times as RFC 3339, types
// of small numbers with a String method as their word, other types as encoding/json has them. A field that would have the
// name of one before gets an underscore behind it. Characters that do not show as themselves are escaped. Of your own
// events, `json:"-"` leaves a field out; what has no JSON form is null; what lies deeper than 16 levels, too. It never
// panics, but fails for what is no event: nil, and what is too large.
func EncodeEvent(ev any) (data []byte, err error) {
	e := eventEncoder{}
	defer func() {
		switch r := recover(); r {
		case nil:
		case errEventSize:
			data, err = nil, fmt.Errorf("encode %s: %w", EventKind(ev), errEventSize)
		default:
			data, err = nil, fmt.Errorf("encode %s: %v", EventKind(ev), reasonText(r))
		}
	}()
	v := reflect.ValueOf(ev)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil, errors.New("encode event: nil")
	}
	e.text(`{"kind":`)
	e.str(EventKind(ev))
	if v.Kind() == reflect.Struct {
		names := map[string]bool{"kind": true, "time": true, "node": true}
		e.at(v)
		e.fields(v, names, 0)
	} else {
		e.text(`,"value":`)
		e.value(v, 0)
	}
	e.text("}")
	return printable.JSON(e.out), nil
}

// eventEncoder appends JSON to out. Its methods panic with errEventSize beyond the bound.
type eventEncoder struct{ out []byte }

const maxEventDepth = 16

func (e *eventEncoder) text(s string) {
	if len(e.out)+len(s) > maxEventJSON {
		panic(errEventSize)
	}
	e.out = append(e.out, s...)
}

func (e *eventEncoder) str(s string) {
	if len(s) > maxEventJSON {
		panic(errEventSize)
	}
	b, _ := json.Marshal(s) // strings do not fail
	e.text(string(b))
}

// at writes time and node if v embeds At.
func (e *eventEncoder) at(v reflect.Value) {
	f := v.FieldByName("At")
	if !f.IsValid() || f.Type() != reflect.TypeFor[At]() {
		return
	}
	at := f.Interface().(At)
	e.text(`,"time":`)
	e.str(at.Time.UTC().Format(time.RFC3339Nano))
	e.text(`,"node":`)
	e.str(at.Node)
}

// fields writes the fields of a struct, each after a comma.
func (e *eventEncoder) fields(v reflect.Value, names map[string]bool, depth int) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Type == reflect.TypeFor[At]() && f.Anonymous, tag == "-":
			continue
		case f.Anonymous && f.Type.Kind() == reflect.Struct && depth < maxEventDepth && !special(f.Type):
			e.fields(v.Field(i), names, depth+1)
			continue
		case !f.IsExported():
			continue
		}
		name := tag
		if name == "" {
			name = snake(f.Name)
			if f.Type == reflect.TypeFor[time.Duration]() {
				name += "_us"
			}
		}
		for names[name] {
			name += "_"
		}
		names[name] = true
		e.text(",")
		e.str(name)
		e.text(":")
		e.value(v.Field(i), depth+1)
	}
}

// special reports whether values of the type, or pointers to them, bring their own form.
func special(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[PID]() ||
		p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

func (e *eventEncoder) value(v reflect.Value, depth int) {
	if depth > maxEventDepth || !v.IsValid() || !v.CanInterface() {
		e.text("null")
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if v.IsNil() {
			e.text("null")
			return
		}
	default:
	}
	if !e.known(v) {
		e.plain(v, depth)
	}
}

// known writes values whose type says how.
func (e *eventEncoder) known(v reflect.Value) bool {
	if v.Kind() == reflect.Interface {
		return false // what is in it comes next
	}
	if v.CanAddr() && special(v.Type()) {
		v = v.Addr() // the method may be the pointer's
	}
	switch x := v.Interface().(type) {
	case *PID:
		e.str(address(x))
	case time.Duration:
		e.text(strconv.FormatInt(x.Microseconds(), 10))
	case *time.Time:
		e.str(x.UTC().Format(time.RFC3339Nano))
	case time.Time:
		e.str(x.UTC().Format(time.RFC3339Nano))
	case json.Marshaler:
		e.raw(x.MarshalJSON)
	case encoding.TextMarshaler:
		e.words(func() string { b, err := x.MarshalText(); return string(b) + errText(err) })
	case error:
		e.words(x.Error)
	case fmt.Stringer:
		if !number(v.Kind()) {
			return false
		}
		e.words(x.String)
	default:
		return false
	}
	return true
}

func number(k reflect.Kind) bool { return k >= reflect.Int && k <= reflect.Uintptr }

func errText(err error) string {
	if err == nil {
		return ""
	}
	return "!" + err.Error()
}

// words writes the text that foreign code makes; a panic of it is the text.
func (e *eventEncoder) words(f func() string) { e.str(guarded(f)) }

func guarded(f func() string) (s string) {
	defer func() {
		if r := recover(); r != nil {
			s = "!panic: " + reasonText(r)
		}
	}()
	return f()
}

// raw writes the JSON that foreign code makes, on one line.
func (e *eventEncoder) raw(f func() ([]byte, error)) {
	failed := ""
	text := guarded(func() string {
		b, err := f()
		if failed = errText(err); failed != "" {
			return ""
		}
		return string(b)
	})
	switch {
	case failed != "":
		e.str(failed)
	case !json.Valid([]byte(text)):
		e.str(text)
	default:
		e.text(strings.Map(oneLine, text))
	}
}

// oneLine drops the line ends of valid JSON: they are between its tokens.
func oneLine(r rune) rune {
	if r == '\n' || r == '\r' {
		return -1
	}
	return r
}

// plain writes a value by its kind.
func (e *eventEncoder) plain(v reflect.Value, depth int) {
	switch k := v.Kind(); k {
	case reflect.String:
		e.str(v.String())
	case reflect.Bool:
		e.text(strconv.FormatBool(v.Bool()))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		e.text(strconv.FormatInt(v.Int(), 10))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		e.text(strconv.FormatUint(v.Uint(), 10))
	case reflect.Float32, reflect.Float64:
		if f := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			e.text("null")
		} else {
			b, _ := json.Marshal(f) // cannot fail any more
			e.text(string(b))
		}
	case reflect.Pointer, reflect.Interface:
		e.value(v.Elem(), depth+1)
	case reflect.Struct:
		e.object(v, depth)
	case reflect.Map:
		e.mapping(v, depth)
	case reflect.Slice, reflect.Array:
		e.list(v, depth)
	default:
		e.text("null")
	}
}

func (e *eventEncoder) object(v reflect.Value, depth int) {
	inner := eventEncoder{out: e.out}
	start := len(e.out)
	inner.fields(v, map[string]bool{}, depth)
	if e.out = inner.out; len(e.out) == start {
		e.text("{}")
		return
	}
	e.out[start] = '{' // in place of the comma before the first field
	e.text("}")
}

func (e *eventEncoder) mapping(v reflect.Value, depth int) {
	type entry struct {
		name  string
		value reflect.Value
	}
	if v.Len() > maxEventJSON {
		panic(errEventSize)
	}
	list := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		name := it.Key()
		list = append(list, entry{guarded(func() string { return fmt.Sprint(name.Interface()) }), it.Value()})
	}
	slices.SortStableFunc(list, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	e.text("{")
	for i, x := range list {
		if i > 0 {
			e.text(",")
		}
		e.str(x.name)
		e.text(":")
		e.value(x.value, depth+1)
	}
	e.text("}")
}

func (e *eventEncoder) list(v reflect.Value, depth int) {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		if v.Len() > maxEventJSON {
			panic(errEventSize)
		}
		b, _ := json.Marshal(v.Bytes()) // base64
		e.text(string(b))
		return
	}
	e.text("[")
	for i := range v.Len() {
		if i > 0 {
			e.text(",")
		}
		e.value(v.Index(i), depth+1)
	}
	e.text("]")
}

// snake turns MessageType into message_type and PeerID into peer_id.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if unicode.IsUpper(r) && i > 0 {
			before, after := runes[i-1], i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(before) && before != '_' || after && unicode.IsUpper(before) {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
