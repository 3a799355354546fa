//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// resident adds up the processes below pid. Those that end meanwhile do not count.
func resident(pid int) (r Resident) {
	for _, p := range below(pid) {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p))
		if err != nil {
			continue
		}
		size := kilobytes(string(status), "VmRSS:")
		r.All += size
		r.Procs++
		if size > r.Main {
			r.Main, r.Heap = size, kilobytes(string(status), "RssAnon:")
		}
	}
	return r
}

func kilobytes(status, field string) int64 {
	_, rest, ok := strings.Cut(status, "\n"+field)
	if !ok {
		return 0
	}
	words := strings.Fields(rest)
	if len(words) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(words[0], 10, 64)
	return n << 10
}

// below are the processes that descend from pid.
func below(pid int) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	children := map[int][]int{}
	for _, e := range entries {
		p, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if parent, ok := parentOf(p); ok {
			children[parent] = append(children[parent], p)
		}
	}
	var out []int
	for queue := children[pid]; len(queue) > 0; queue = queue[1:] {
		out = append(out, queue[0])
		queue = append(queue, children[queue[0]]...)
	}
	return out
}

func parentOf(pid int) (int, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, false
	}
	// The name in parentheses may hold anything.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 2 {
		return 0, false
	}
	p, err := strconv.Atoi(fields[1])
	return p, err == nil
}
