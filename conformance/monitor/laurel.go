//go:build linux

package monitor

import (
	"strconv"
	"strings"

	"xnumon/conformance/fact"
)

// laurelDecoder reads laurel's log: one JSON object an event, in which bytes that
// are not plain, and the signs % and +, are written as %xx.
type laurelDecoder struct{}

func (laurelDecoder) Flush() []fact.Record { return nil }

func (laurelDecoder) Line(line []byte) []fact.Record {
	event, err := decode(line)
	if err != nil {
		return nil
	}
	call := event.at("SYSCALL")
	if call.at("key").text() != key || call.at("success").text() == "no" {
		return nil
	}
	pid, err := strconv.ParseUint(call.at("pid").text(), 10, 32)
	if err != nil {
		return nil
	}
	r := fact.Record{Pid: uint32(pid), Raw: shorten(string(line))}
	auditTime(&r, event.at("ID").text())
	copyField(&r, "parent", call.at("ppid").text())
	for name, field := range auditIDs {
		copyField(&r, "after."+name, call.at(field).text())
	}
	auditLogin(&r, call.at("auid").text(), call.at("ses").text(), call.at("tty").text())
	if exe := call.at("exe"); exe.there() {
		auditImage(&r, percent(exe.text()))
	}
	if script := call.at("SCRIPT"); script.there() {
		r.Set("script.path", percent(script.text()))
	}
	if exe := call.at("PPID").at("exe"); exe.there() {
		r.Set("parent.image.path", percent(exe.text()))
	}
	if caps := event.at("BPRM_FCAPS").list(); len(caps) > 0 {
		auditCaps(&r, caps[0].at("old_pe").text(), caps[0].at("pe").text())
	}
	exec := event.at("EXECVE")
	if argv := exec.at("ARGV"); argv.list() != nil {
		values := argv.texts()
		for i := range values {
			values[i] = percent(values[i])
		}
		r.Set("argv", values...)
	}
	for _, name := range exec.at("ENV").names() {
		r.Set("env."+percent(name), percent(exec.at("ENV").at(name).text()))
	}
	if cwd := event.at("CWD").at("cwd"); cwd.there() {
		auditCwd(&r, percent(cwd.text()))
	}
	for _, p := range event.at("PATH").list() {
		if p.at("item").text() != "0" {
			continue
		}
		if name := p.at("name"); name.there() {
			r.Set("filename", percent(name.text()))
		}
		auditNamed(&r, p.at("dev").text(), p.at("inode").text(), p.at("mode").text())
		copyField(&r, "named.uid", p.at("ouid").text())
		copyField(&r, "named.gid", p.at("ogid").text())
	}
	return []fact.Record{r}
}

// percent decodes %xx; what is not of that form stays as it is.
func percent(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if c, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(c))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
