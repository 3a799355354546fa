// What the smallest programs need: a system call, all of its arguments zero, without
// library or start-up code.
#if defined(__x86_64__)
static inline void call(long nr)
{
	register long r10 __asm__("r10") = 0;
	register long r8 __asm__("r8") = 0;

	__asm__ volatile("syscall"
			 : "+a"(nr)
			 : "D"(0L), "S"(0L), "d"(0L), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
}
#elif defined(__aarch64__)
static inline void call(long nr)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = 0;
	register long x1 __asm__("x1") = 0;
	register long x2 __asm__("x2") = 0;
	register long x3 __asm__("x3") = 0;
	register long x4 __asm__("x4") = 0;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
}
#else
#error "how to call the system is not known for this architecture"
#endif
