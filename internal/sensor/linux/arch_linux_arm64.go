package linux

import "golang.org/x/sys/unix"

// execve, execveat, mount, ioctl and memfd_create of 32-bit Arm programs (arch/arm64/tools/syscall_32.tbl).
const (
	compatExecve   = 11
	compatExecveat = 387
	compatMount    = 21
	compatIoctl    = 54

	compatMemfdCreate = 385
)

// There is nothing like x32 here: these are the numbers of everybody.
const (
	x32Execve   = unix.SYS_EXECVE
	x32Execveat = unix.SYS_EXECVEAT
	x32Ioctl    = unix.SYS_IOCTL
)

// stackTopGap is what the highest end of a stack is below a power of two (STACK_TOP_MAX,
// arch/arm64/include/asm/processor.h).
const stackTopGap = 0

// elfMachine is EM_AARCH64 of elf.h.
const elfMachine = 183
