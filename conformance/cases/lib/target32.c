// A 32-bit program without a library. Without arguments beyond its token it exits
// at once; with "exec:" as the second, it executes the program named by the third
// by the 32-bit system call, with the arguments from the third on.
static long call(long n, long a, long b, long c) {
	long r;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(n), "b"(a), "c"(b), "d"(c) : "memory");
	return r;
}

__attribute__((used)) static void start(long *stack) {
	long argc = stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;
	long status = 0;
	if (argc > 3 && argv[2][0] == 'e') {
		call(11 /* execve */, (long)argv[3], (long)(argv + 3), (long)envp);
		status = 127;
	}
	for (;;) call(1 /* exit */, status, 0, 0);
}

__asm__(".globl _start\n_start:\n\tmov %esp, %eax\n\tpush %eax\n\tcall start\n");
