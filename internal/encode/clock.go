package encode

import (
	"time"

	"xnumon/event"
)

const day = 24 * 60 * 60 // seconds

// clock writes times as RFC 3339 in UTC with nine digits. It keeps some dates: a record has
// the day that it is, and those of the files in it.
type clock struct{ dates [16]date }

type date struct {
	day  int64
	text []byte // with the T; empty at first
}

func (c *clock) append(dst []byte, t event.Time) []byte {
	sec, ns := floorDiv(int64(t), int64(time.Second))
	d, sec := floorDiv(sec, day)
	kept := &c.dates[uint64(d)%uint64(len(c.dates))]
	if d != kept.day || len(kept.text) == 0 {
		// The whole range of event.Time lies in years of four digits.
		kept.day = d
		kept.text = time.Unix(d*day, 0).UTC().AppendFormat(kept.text[:0], "2006-01-02T")
	}
	dst = append(dst, kept.text...)
	dst = appendDigits(dst, sec/3600, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, sec/60%60, 2)
	dst = append(dst, ':')
	dst = appendDigits(dst, sec%60, 2)
	dst = append(dst, '.')
	dst = appendDigits(dst, ns, 9)
	return append(dst, 'Z')
}

// floorDiv divides such that the remainder is never negative: files can be older
// than 1970.
func floorDiv(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}

// appendDigits appends v with exactly n digits.
func appendDigits(dst []byte, v int64, n int) []byte {
	dst = append(dst, "000000000"[:n]...)
	for i := len(dst) - 1; v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}
