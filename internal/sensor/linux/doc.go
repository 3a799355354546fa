// Package linux is the sensor for Linux: BTF tracepoints tell of forks, execs
// and exits, a task iterator of what runs already, and fanotify permission
// events hold execs until their files are acquired. Only interfaces that stock
// kernels from 5.15 on have.
package linux
