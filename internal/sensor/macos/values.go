package macos

import (
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"time"

	"xnumon/event"
	"xnumon/internal/macho"
)

// auditToken reads a token as an object, or as the array of audit_token_t that a
// beta of 2025 wrote; its order is that of audit_token_to_au32(3).
func auditToken(s *scanner) (t token, err error) {
	members := [...]struct {
		name string
		at   *uint32
	}{
		{"auid", &t.auid}, {"euid", &t.euid}, {"egid", &t.egid}, {"ruid", &t.ruid},
		{"rgid", &t.rgid}, {"pid", &t.pid}, {"asid", &t.asid}, {"pidversion", &t.version},
	}
	seen := 0
	if s.peek() == '[' {
		err = s.array(func() (err error) {
			if seen == len(members) {
				return errForm
			}
			*members[seen].at, err = s.id()
			seen++
			return err
		})
	} else {
		err = s.object(func(key []byte) (err error) {
			for i, m := range members {
				if string(key) == m.name {
					*members[i].at, err = s.id()
					seen |= 1 << i
					return err
				}
			}
			_, err = s.value()
			return err
		})
		if seen == 1<<len(members)-1 {
			seen = len(members)
		}
	}
	if err == nil && seen != len(members) {
		err = errForm
	}
	if err == nil && t.pid > math.MaxInt32 {
		err = fmt.Errorf("pid %d: %w", t.pid, errRange)
	}
	return t, err
}

func cdhash(s *scanner) (h macho.CDHash, err error) {
	b, err := s.text()
	if err != nil {
		return h, err
	}
	raw, err := hex.DecodeString(strings.ToLower(string(b)))
	if err != nil || len(raw) != len(h) {
		return h, errForm
	}
	return macho.CDHash(raw), nil
}

// optional reads a value with read. Null is as good as nothing. A value that
// read refuses is counted and passed over, as long as it is JSON.
func (d *decoder) optional(s *scanner, read func(*scanner) error) error {
	if s.null() {
		return nil
	}
	v, err := s.value()
	if err != nil {
		return err
	}
	if err := read(&scanner{b: v}); err != nil {
		d.unusable++
	}
	return nil
}

func (d *decoder) unknown(s *scanner) error {
	d.unknownFields++
	_, err := s.value()
	return err
}

func number(at **uint64) func(*scanner) error {
	return func(s *scanner) error {
		u, err := s.unsigned()
		if err == nil {
			*at = &u
		}
		return err
	}
}

func str(at *string) func(*scanner) error {
	return func(s *scanner) error {
		b, err := s.text()
		*at = string(b)
		return err
	}
}

func strs(s *scanner) (all []string, ok bool, err error) {
	all = []string{}
	err = s.array(func() error {
		b, err := s.text()
		all = append(all, string(b))
		return err
	})
	if err != nil {
		return nil, false, err
	}
	return all, true, nil
}

// timestamp reads a time of day: RFC 3339 with as many digits as the kernel has.
func timestamp(s *scanner) (event.Time, error) {
	b, err := s.text()
	if err != nil {
		return 0, err
	}
	t, err := time.Parse(time.RFC3339Nano, string(b))
	if err != nil {
		return 0, errForm
	}
	if t.Year() < 1678 || t.Year() > 2261 { // what fits 64 bits of nanoseconds
		return 0, errRange
	}
	return event.Time(t.UnixNano()), nil
}
