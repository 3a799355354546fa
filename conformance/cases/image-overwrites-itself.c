// A program that executes another one, which overwrites the first one's file in
// place: same inode, same size, same times as before.
//
// Logged must be: the bytes the first had, in its own record and in the history of
// the second.
// Goes wrong where a file is hashed later and its times are trusted.
#include "lib/expect.h"

static void overwrite(const char *path) {
	struct stat st;
	int fd = MUST(open(path, O_WRONLY | O_CLOEXEC));
	MUST(fstat(fd, &st));
	char *zero = calloc(1, st.st_size);
	if (write(fd, zero, st.st_size) != st.st_size) fail("write: %s", strerror(errno));
	MUST(futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}));
	close(fd);
}

int main(int argc, char **argv) {
	begin(NULL);
	if (argc == 4) {
		execv(argv[2], ARGV(argv[2], tok("b"), argv[0], argv[0], argv[0]));
		fail("exec: %s", strerror(errno));
	}
	if (argc > 4) {
		overwrite(argv[2]);
		return 0;
	}
	char *first = again("first"), *second = again("second");
	char *first_sum = hash(first), *second_sum = hash(second);
	char **args = ARGV(first, tok("a"), second, "");
	struct run r = run(first, args);
	if (r.status || !strcmp(hash(first), first_sum)) fail("nothing was overwritten");
	expect("a", &r);
	native("a", first, first_sum, args);
	join("b", r.pid, tok("b"));
	native("b", second, second_sum, ARGV(second, tok("b"), first, first, first));
	has("b", "subject.image.path", first);
	has("b", "subject.image.sha256", first_sum);
	end();
}
