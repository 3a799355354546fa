// A script that never was on a disk: in a memfd, open to changes and sealed.
//
// Logged must be: the memfd as the script, with the hash of its bytes.
// Goes wrong where scripts are looked for by path: /dev/fd/N and /memfd:name lead
// nowhere.
#include "lib/expect.h"

static void by_descriptor(void *arg) {
	char **argv = arg;
	int fd = atoi(argv[0]);
	syscall(SYS_execveat, fd, "", argv, environ, AT_EMPTY_PATH);
}

static void script(const char *id, const char *interpreter, int seals) {
	char *name = format("script-%s", id);
	int fd = MUST((int)syscall(SYS_memfd_create, name, seals ? 2u /* MFD_ALLOW_SEALING */ : 0));
	dprintf(fd, "#!%s\n%s\n", interpreter, tok(id));
	if (seals) MUST(fcntl(fd, F_ADD_SEALS, seals));
	char *sum = hash_fd(fd);
	char **argv = ARGV(format("%d", fd), tok(id));
	struct run r = run_with(by_descriptor, argv, "", ARGV(""), environ);
	expect(id, &r);
	scripted(id, NULL, interpreter, ARGV((char *)interpreter, format("/dev/fd/%d", fd), tok(id)), argv);
	has(id, "script.path", format("/memfd:%s", name));
	has(id, "script.sha256", sum);
	has(id, "script.memfd", seals ? "sealed" : "unsealed");
	close(fd);
}

int main(void) {
	begin(NULL);
	char *interpreter = target("interpreter");
	script("open", interpreter, 0);
	script("sealed", interpreter, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
	end();
}
