package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// object is a part of the JSON Schema.
type object = map[string]any

// JSONSchema returns the form of the configuration file as a JSON Schema, draft 7,
// made from the table of settings. Editors check and complete with it while a file is
// written. It knows types, names and ranges, but not how values go together, nor the
// ranges of sizes and durations, which are texts: Load has the last word.
func JSONSchema() []byte {
	s := newSchema()
	root := s.jsonSection("")
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["definitions"] = definitions()
	root["title"] = "Configuration of an Iris node"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // a map of texts and numbers
	}
	return b.Bytes()
}

// jsonSection returns the schema of the section at a path of the table.
func (s *schema) jsonSection(path string) object {
	if n := s.section(path); n != nil {
		return object{
			"type":                 []string{"object", "null"},
			"description":          "by the name of the " + n.noun,
			"propertyNames":        ref("name"),
			"additionalProperties": s.jsonSection(n.pattern()),
		}
	}
	properties := object{}
	for _, word := range s.sections[path] {
		full := join(path, word)
		if k := s.byPath[full]; k != nil {
			properties[word] = k.json()
		} else {
			properties[word] = s.jsonSection(full)
		}
	}
	return object{"type": []string{"object", "null"}, "properties": properties, "additionalProperties": false}
}

// json returns the schema of one setting.
func (k *key) json() object {
	o := k.form()
	about := fmt.Sprint(k.kind)
	switch {
	case len(k.choices) > 0:
		about = "one of " + strings.Join(k.choices, ", ")
	case k.kind == count, k.kind == size, k.kind == duration:
		about += ", " + k.bounds()
	}
	o["description"] = about
	c := Default()
	if t := (&target{config: &c, cluster: &Cluster{}, topic: &Topic{}}); !strings.Contains(k.path, "*") || k.fixed {
		if dst := k.field(t); k.shown(dst) && k.kind != secret {
			o["default"] = k.value(dst)
		}
	}
	return o
}

// form returns what values of a setting look like.
func (k *key) form() object {
	list := func(most int, item object) object {
		return object{"type": []string{"array", "null"}, "items": item, "maxItems": most}
	}
	named := func(names, values object) object {
		return object{"type": []string{"object", "null"}, "propertyNames": names, "additionalProperties": values}
	}
	number := object{"type": "integer", "minimum": 0, "maximum": 65535} // of a port
	switch k.kind {
	case name:
		return anyOf("name")
	case path:
		return object{"type": "string", "minLength": 1, "pattern": `^[^\x00-\x1f\x7f-\x9f]*$`}
	case secret:
		return object{"type": "string", "minLength": 32, "writeOnly": true}
	case address:
		return anyOf("listen")
	case seeds:
		return list(maxSeeds, ref("reach"))
	case services:
		o := anyOf("service", "reach")
		o["not"] = object{"pattern": "^_.*:"} // the port is in the SRV records
		return list(maxServices, o)
	case command:
		return list(maxWords, object{"type": "string", "pattern": `^[^\x00]*$`, "maxLength": maxWord})
	case urls:
		return list(maxEndpoints, ref("url"))
	case prefix:
		return object{"type": "string", "pattern": "^/([a-zA-Z0-9._/-]*[a-zA-Z0-9._-])$", "maxLength": 255}
	case labels:
		o := named(ref("name"), object{"type": []string{"string", "number", "boolean"}, "maxLength": maxName})
		o["maxProperties"] = maxLabels
		return o
	case levels:
		return named(object{"enum": Subsystems()}, object{"enum": levelNames()})
	case flag:
		return object{"type": "boolean"}
	case count:
		o := object{"type": "integer", "minimum": k.min, "maximum": k.max}
		if k.even {
			o["multipleOf"] = 2
		}
		return o
	case size:
		return object{"anyOf": []object{text("[0-9][0-9_]*( ?(B|KiB|MiB|GiB))?"), {"type": "integer", "minimum": k.min, "maximum": k.max}}}
	case duration:
		return text("([0-9]+(\\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")
	case level:
		return object{"enum": levelNames()}
	case choice:
		return object{"enum": k.choices}
	case endpoint:
		return object{"anyOf": []object{{"const": EndpointOff}, ref("port"), ref("listen"), number}}
	case udpPort:
		return object{"anyOf": []object{{"const": EndpointOff}, ref("port"), number}}
	}
	panic("config: no schema for the kind of " + k.path)
}

// text returns the schema of a text that a pattern matches as a whole.
func text(pattern string) object { return object{"type": "string", "pattern": "^(" + pattern + ")$"} }

// definitions are what several settings refer to. In addresses a host is a name, whose
// last label is more than a number, or an IP address; to listen it may be missing, and
// the port be 0.
func definitions() object {
	const (
		port  = `([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])`
		label = `\w([\w-]*\w)?`
		last  = `([A-Za-z_]|[A-Za-z_][\w-]*\w|\d[\w-]*[A-Za-z_]|\d[\w-]*[A-Za-z_-][\w-]*\w)`
		name  = `(` + label + `\.)*` + last + `\.?`
		octet = `(25[0-5]|2[0-4]\d|1\d{2}|[1-9]?\d)`
		host  = `(` + name + `|` + octet + `(\.` + octet + `){3}|\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(%\w+)?\])`
	)
	return object{
		"listen":  text(host + `?:(0|` + port + `)`),
		"reach":   text(host + `:` + port),
		"service": text(`_([\w-]*\w)?\._([\w-]*\w)?\.` + name),
		"url":     text(`https?://` + host + `(:` + port + `)?/?`),
		"port":    text(`0|` + port),
		"name":    object{"type": "string", "minLength": 1, "maxLength": maxName, "pattern": `^[^\x00-\x1f\x7f-\x9f]*$`},
	}
}

// ref refers to a definition.
func ref(name string) object { return object{"$ref": "#/definitions/" + name} }

// anyOf refers to definitions of which one is to hold. Beside it more may be said,
// which beside ref is ignored.
func anyOf(names ...string) object {
	list := []object{}
	for _, n := range names {
		list = append(list, ref(n))
	}
	return object{"anyOf": list}
}
