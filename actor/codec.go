package actor

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/vmihailenco/msgpack/v5"

	"iris/internal/bounds"
)

// types is the process-wide registry of message types. It is global because types are: two nodes in one process speak
// of the same Go types. Guarded by its lock.
var types = struct {
	sync.RWMutex
	byName map[string]reflect.Type
	byType map[reflect.Type]string
}{
	byName: map[string]reflect.Type{wireFailureType: reflect.TypeFor[wireFailure]()},
	byType: map[reflect.Type]string{reflect.TypeFor[wireFailure](): wireFailureType},
}

// RegisterType lets values of T, and pointers to them, travel between nodes as msgpack under name. Names are part of the
// protocol of your application: 1 to 200 bytes, not beginning with '*' or '$'. Registering the same pair again is
// allowed; a conflict is a programmer's error and panics. Call it before the node starts, for example from main.
//
// A pointer sent arrives as a pointer (type name "*name" on the wire), a value as a value.
func RegisterType[T any](name string) {
	t := reflect.TypeFor[T]()
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if name == "" || len(name) > 200 || name[0] == '*' || name[0] == '$' {
		panic("actor: bad message type name " + fmt.Sprintf("%q", name))
	}
	if t == reflect.TypeFor[Bytes]() {
		panic("actor: Bytes travels untyped")
	}
	register(name, t)
}

func register(name string, t reflect.Type) {
	types.Lock()
	defer types.Unlock()
	if old, ok := types.byName[name]; ok && old != t {
		panic(fmt.Sprintf("actor: message type name %q is taken by %v", name, old))
	}
	if old, ok := types.byType[t]; ok && old != name {
		panic(fmt.Sprintf("actor: %v is registered as %q", t, old))
	}
	types.byName[name], types.byType[t] = t, name
}

// codecBuffer keeps an encoder with its buffer.
type codecBuffer struct {
	buf bytes.Buffer
	enc *msgpack.Encoder
}

// codecBuffers recycles buffers up to maxPooledBuffer. It holds no state of its own.
var codecBuffers = sync.Pool{New: func() any {
	b := &codecBuffer{}
	b.enc = msgpack.NewEncoder(&b.buf)
	b.enc.UseCompactInts(true)
	return b
}}

const maxPooledBuffer = 256 << 10

// Encode turns a message into its wire form. Bytes becomes type "" and is not copied; data of every other type is the
// caller's own. Errors are *CodecError. Values that contain themselves cannot be encoded and overflow the stack.
func Encode(msg any) (typ string, data []byte, err error) {
	switch m := msg.(type) {
	case Bytes:
		return "", m, nil
	case nil:
		return "", nil, &CodecError{"encode", "nil", ErrUnknownType}
	}
	t := reflect.TypeOf(msg)
	pointer := t.Kind() == reflect.Pointer
	if pointer {
		t = t.Elem()
	}
	types.RLock()
	name, ok := types.byType[t]
	types.RUnlock()
	if !ok {
		return "", nil, &CodecError{"encode", t.String(), ErrUnknownType}
	}
	if pointer {
		name = pointerName(name)
	}
	defer func() {
		if r := recover(); r != nil { // the type's own methods
			typ, data, err = "", nil, &CodecError{"encode", name, fmt.Errorf("panic: %v", r)}
		}
	}()
	b := codecBuffers.Get().(*codecBuffer)
	b.buf.Reset()
	if err := b.enc.Encode(msg); err != nil {
		return "", nil, &CodecError{"encode", name, err}
	}
	data = bytes.Clone(b.buf.Bytes())
	if b.buf.Cap() <= maxPooledBuffer {
		codecBuffers.Put(b)
	}
	return name, data, nil
}

// pointerNames caches "*name"; bounded by the number of registered types.
var pointerNames sync.Map

func pointerName(name string) string {
	if p, ok := pointerNames.Load(name); ok {
		return p.(string)
	}
	p, _ := pointerNames.LoadOrStore(name, "*"+name)
	return p.(string)
}

// errPanic marks a decoder that panicked.
var errPanic = errors.New("decoder panicked")

// Decode is the inverse of Encode. data comes from the network: it is checked by bounds.Check before anything is
// allocated from it, and the result shares nothing with it. Errors are *CodecError; ErrUnknownType for a name that is
// not registered here.
func Decode(typ string, data []byte) (msg any, err error) {
	if typ == "" {
		return Bytes(bytes.Clone(data)), nil
	}
	name, pointer := strings.CutPrefix(typ, "*")
	types.RLock()
	t, ok := types.byName[name]
	types.RUnlock()
	if !ok {
		return nil, &CodecError{"decode", typ, ErrUnknownType}
	}
	if err := bounds.Check(data); err != nil {
		return nil, &CodecError{"decode", typ, err}
	}
	defer func() {
		if r := recover(); r != nil {
			msg, err = nil, &CodecError{"decode", typ, fmt.Errorf("%w: %v", errPanic, r)}
		}
	}()
	v := reflect.New(t)
	if err := msgpack.Unmarshal(data, v.Interface()); err != nil {
		return nil, &CodecError{"decode", typ, err}
	}
	if pointer {
		return v.Interface(), nil
	}
	return v.Elem().Interface(), nil
}
