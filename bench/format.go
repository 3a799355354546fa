//go:build linux

package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// micro writes nanoseconds, which may be a difference, as microseconds with their
// interval.
func micro(e Estimate) string {
	if e.N == 0 {
		return ""
	}
	return fmt.Sprintf("%+.0f µs (%+.0f … %+.0f)", e.Median/1e3, e.Low/1e3, e.High/1e3)
}

// percent writes a ratio as what it is more than one.
func percent(e Estimate) string {
	if e.N == 0 {
		return ""
	}
	return fmt.Sprintf("%+.1f %% (%+.1f … %+.1f)", (e.Median-1)*100, (e.Low-1)*100, (e.High-1)*100)
}

// times writes a ratio.
func times(e Estimate) string {
	if e.N == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f (%.2f … %.2f)", e.Median, e.Low, e.High)
}

// count writes a whole number with commas between thousands.
func count(v float64) string {
	s := strconv.FormatFloat(math.Abs(math.Round(v)), 'f', 0, 64)
	var b strings.Builder
	if v <= -0.5 {
		b.WriteByte('-')
	}
	for i, c := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func mebi(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

func giga(rate float64) string { return fmt.Sprintf("%.2f GB/s", rate/1e9) }

// table writes a table in Markdown; the first column is text, the others numbers.
func table(b *strings.Builder, head []string, rows [][]string) {
	line := func(cells []string) {
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	line(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---:"
	}
	rule[0] = ":---"
	line(rule)
	for _, r := range rows {
		line(r)
	}
	b.WriteByte('\n')
}
