// As many bytes of arguments as the kernel takes with the usual stack of 8 MiB,
// which is 2 MiB with the pointers: in twenty long ones, and in a hundred thousand
// short ones. The last is the one that matters.
//
// Logged must be: all of it, or at least that it is not.
// Goes wrong where arguments are cut: what comes first is what an attacker put
// there.
#include "lib/expect.h"

enum { TOTAL = 2 << 20, MANY = 100000 };

static void stack(void *unused) {
	(void)unused;
	struct rlimit usual = {8 << 20, 8 << 20};
	struct rlimit now_limit;
	getrlimit(RLIMIT_STACK, &now_limit);
	usual.rlim_max = now_limit.rlim_max;
	if (setrlimit(RLIMIT_STACK, &usual) < 0) fail("setrlimit: %s", strerror(errno));
}

static void check(const char *id, const char *program, char *sum, char **argv) {
	struct run r = start_with(stack, NULL, program, argv, environ);
	finish(&r);
	if (r.err) fail("exec %s: %s", id, strerror(r.err));
	r.inherits = 1;
	expect(id, &r);
	native(id, program, sum, argv);
}

int main(void) {
	begin(NULL);
	char *program = target("program");
	char *sum = hash(program);

	// 100 KiB each: one may have 128 KiB at most.
	enum { EACH = 100 << 10 };
	static char *few[64];
	int n = 0;
	few[n++] = program;
	few[n++] = tok("few");
	for (long left = TOTAL - 16384; left > EACH; left -= EACH) {
		few[n] = malloc(EACH);
		memset(few[n], 'a' + n % 26, EACH - 1);
		few[n][EACH - 1] = 0;
		n++;
	}
	few[n++] = "--the-one-that-matters";
	check("few", program, sum, few);

	static char *many[MANY + 8];
	n = 0;
	many[n++] = program;
	many[n++] = tok("many");
	while (n < MANY) many[n] = format("%d", n), n++;
	many[n++] = "--the-one-that-matters";
	check("many", program, sum, many);
	end();
}
