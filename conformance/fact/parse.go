package fact

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Parse reads what a case wrote: a line a statement, words apart by one space.
//
//	ID pid N             ID token WORD        ID never
//	ID has FACT VALUE…   ID may FACT VALUE…   ID lacks FACT
//	case skip REASON…    case fail REASON…    case end
//
// In a word, %XX is the byte with that hexadecimal value, and a word that is a
// lone hyphen is the empty string. A last line without its newline is an error:
// the case was cut off while it wrote.
func Parse(text []byte) (Script, error) {
	var s Script
	index := make(map[string]int)
	for n := 1; len(text) > 0; n++ {
		end := bytes.IndexByte(text, '\n')
		if end < 0 {
			return s, fmt.Errorf("line %d: no newline", n)
		}
		line := string(text[:end])
		text = text[end+1:]
		if line == "" {
			continue
		}
		words, err := split(line)
		if err != nil {
			return s, fmt.Errorf("line %d: %w", n, err)
		}
		if len(words) < 2 {
			return s, fmt.Errorf("line %d: no verb", n)
		}
		if words[0] == "case" {
			err = s.statement(words[1], words[2:])
		} else {
			at, known := index[words[0]]
			if !known {
				at = len(s.Expectations)
				index[words[0]] = at
				s.Expectations = append(s.Expectations, Expectation{ID: words[0]})
			}
			err = s.Expectations[at].statement(words[1], words[2:])
		}
		if err != nil {
			return s, fmt.Errorf("line %d: %w", n, err)
		}
	}
	for _, e := range s.Expectations {
		if e.Pid == 0 {
			return s, fmt.Errorf("expectation %s has no pid", e.ID)
		}
		if e.Never && len(e.Claims) > 0 {
			return s, fmt.Errorf("expectation %s is of no record and has facts", e.ID)
		}
	}
	return s, nil
}

func (s *Script) statement(verb string, args []string) error {
	text := strings.Join(args, " ")
	// The first of them is the cause, what follows its consequence.
	first := s.Skip == "" && s.Fail == ""
	switch verb {
	case "skip":
		if first {
			s.Skip = text
		}
	case "fail":
		if first {
			s.Fail = text
		}
	case "end":
		s.Ended = true
		return nil
	default:
		return fmt.Errorf("unknown statement about the case: %q", verb)
	}
	if text == "" {
		return fmt.Errorf("%s without a reason", verb)
	}
	return nil
}

func (e *Expectation) statement(verb string, args []string) error {
	kind := Has
	switch verb {
	case "pid":
		if len(args) != 1 {
			return fmt.Errorf("pid takes one number")
		}
		pid, err := strconv.ParseUint(args[0], 10, 32)
		if err != nil || pid == 0 {
			return fmt.Errorf("pid %q is not a process id", args[0])
		}
		e.Pid = uint32(pid)
		return nil
	case "token":
		if len(args) != 1 || args[0] == "" {
			return fmt.Errorf("token takes one word")
		}
		e.Token = args[0]
		return nil
	case "never":
		e.Never = true
		return nil
	case "has":
	case "may":
		kind = May
	case "lacks":
		kind = Lacks
	default:
		return fmt.Errorf("unknown verb %q", verb)
	}
	if len(args) == 0 || args[0] == "" {
		return fmt.Errorf("%s without a fact", verb)
	}
	if args[0] == Exists {
		return fmt.Errorf("%s is implied", Exists)
	}
	c := Claim{Fact: args[0], Kind: kind, Values: args[1:]}
	if kind == Lacks && len(c.Values) > 0 {
		return fmt.Errorf("lacks %s takes no value", c.Fact)
	}
	if c.Fact == Time {
		if _, _, err := window(c.Values); err != nil {
			return err
		}
	}
	for _, other := range e.Claims {
		if other.Fact == c.Fact {
			return fmt.Errorf("%s is stated twice", c.Fact)
		}
	}
	e.Claims = append(e.Claims, c)
	return nil
}

// window reads the two moments of a time claim.
func window(values []string) (from, to int64, err error) {
	if len(values) != 2 {
		return 0, 0, fmt.Errorf("%s takes two moments", Time)
	}
	if from, err = strconv.ParseInt(values[0], 10, 64); err == nil {
		to, err = strconv.ParseInt(values[1], 10, 64)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", Time, err)
	}
	return from, to, nil
}

// split cuts a line into its words and decodes them.
func split(line string) ([]string, error) {
	words := strings.Split(line, " ")
	for i, w := range words {
		if w == "" {
			return nil, fmt.Errorf("two spaces, or a space at an end")
		}
		if w == "-" {
			words[i] = ""
			continue
		}
		if strings.IndexByte(w, '%') < 0 {
			continue
		}
		var b strings.Builder
		b.Grow(len(w))
		for j := 0; j < len(w); j++ {
			if w[j] != '%' {
				b.WriteByte(w[j])
				continue
			}
			if j+3 > len(w) {
				return nil, fmt.Errorf("%% without two digits in %q", w)
			}
			c, err := strconv.ParseUint(w[j+1:j+3], 16, 8)
			if err != nil {
				return nil, fmt.Errorf("%% without two digits in %q", w)
			}
			b.WriteByte(byte(c))
			j += 2
		}
		words[i] = b.String()
	}
	return words, nil
}
