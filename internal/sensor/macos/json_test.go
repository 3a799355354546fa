package macos

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		`"plain"`:                 "plain",
		`""`:                      "",
		`"a\/b\\\"\b\f\n\r\t"`:    "a/b\\\"\b\f\n\r\t",
		`"\u00e9\ud83d\ude00"`:    "é😀",
		`"\ud83d"`:                "\ufffd",
		`"\ude00\ud83d"`:          "\ufffd\ufffd",
		`"\ud83dx\u0041"`:         "\ufffdxA",
		`"\ud83d\u0041"`:          "\ufffdA",
		"\"/tmp/\xff\xfe\"":       "/tmp/\xff\xfe",
		"\"\\u0041\xc3\x28\"":     "A\xc3\x28",
		"\"caf\xc3\xa9\"":         "café",
		"\"\xef\xbf\xbd\\u0000\"": "\ufffd\x00",
	} {
		s := &scanner{b: []byte(in)}
		got, err := s.text()
		if err != nil || string(got) != want || s.end() != nil {
			t.Errorf("%s: %q, %v", in, got, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	if u, err := (&scanner{b: []byte("18446744073709551615")}).unsigned(); err != nil || u != 1<<64-1 {
		t.Error(u, err)
	}
	for in, want := range map[string]uint32{"4294967295": 1<<32 - 1, "-1": 1<<32 - 1, "0": 0, "501": 501} {
		if u, err := (&scanner{b: []byte(in)}).id(); err != nil || u != want {
			t.Error(in, u, err)
		}
	}
	for _, in := range []string{"1.5", "1e3", "-1", "18446744073709551616", "true", `"1"`, "", "01", "-"} {
		if u, err := (&scanner{b: []byte(in)}).unsigned(); err == nil {
			t.Errorf("%q: %d", in, u)
		}
	}
}

func TestDepth(t *testing.T) {
	deep := strings.Repeat("[", 100000) + strings.Repeat("]", 100000)
	if _, err := (&scanner{b: []byte(deep)}).value(); !errors.Is(err, errSyntax) {
		t.Errorf("error %v", err)
	}
}

// FuzzScanner holds the scanner against encoding/json: both take the same
// texts, and where there is nothing to replace, read the same strings.
func FuzzScanner(f *testing.F) {
	for _, in := range []string{
		`{"a":[1,-2.5e+7,true,false,null,"x\u00e9"],"b":{}}`, `[]`, ` [ 1 , 2 ] `, `"\ud83d\ude00"`,
		`{"a":1,}`, `[1 2]`, `01`, `-`, `-01`, `0`, `"` + "\x01" + `"`, `nul`, `{"a"}`, `"\x"`, "\"\xff\"", `00`, `1.`, `[,]`,
	} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		s := &scanner{b: in}
		_, err := s.value()
		if err == nil {
			err = s.end()
		}
		valid := json.Valid(in)
		if strings.Count(string(in), "[")+strings.Count(string(in), "{") > maxDepth {
			return
		}
		if (err == nil) != valid {
			t.Fatalf("%q: error %v, but valid is %v", in, err, valid)
		}
		var want string
		if valid && json.Unmarshal(in, &want) == nil && utf8.Valid(in) && !s.null0() {
			got, err := (&scanner{b: in}).text()
			if err != nil || string(got) != want {
				t.Fatalf("%q: %q, %v; want %q", in, got, err, want)
			}
		}
	})
}

// null0 says whether the whole text is null, which encoding/json takes for an
// empty string.
func (s *scanner) null0() bool { return (&scanner{b: s.b}).null() }
