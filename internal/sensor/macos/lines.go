package macos

import (
	"bufio"
	"errors"
	"io"
)

// maxLine is the longest line taken. The kernel lets argv and environment have
// 1 MiB together (ARG_MAX), of which JSON makes six at most.
const maxLine = 64 << 20

var errTooLong = errors.New("line too long")

// lines splits a stream into lines. It looks at nothing in them.
type lines struct {
	r    *bufio.Reader
	max  int
	long []byte // a line that the reader's buffer does not hold
}

func newLines(r io.Reader) *lines {
	return &lines{r: bufio.NewReaderSize(r, 256<<10), max: maxLine}
}

// next returns the next line without its end, valid until the next call, or
// errTooLong for one that it has passed over. The last line may have no end.
// At the end of the stream the error is io.EOF.
func (l *lines) next() ([]byte, error) {
	l.long = l.long[:0]
	tooLong := false
	for {
		part, err := l.r.ReadSlice('\n')
		switch {
		case err == nil || err == io.EOF && len(part)+len(l.long) > 0 || err == io.EOF && tooLong:
			if err == nil {
				part = part[:len(part)-1]
			}
			if tooLong || len(l.long)+len(part) > l.max {
				return nil, errTooLong
			}
			if len(l.long) == 0 {
				return part, nil
			}
			l.long = append(l.long, part...)
			return l.long, nil
		case err != bufio.ErrBufferFull:
			return nil, err
		}
		if tooLong || len(l.long)+len(part) > l.max {
			tooLong, l.long = true, l.long[:0]
			continue
		}
		l.long = append(l.long, part...)
	}
}
