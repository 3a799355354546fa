// A process that has the kernel show another program as the one it runs
// (PR_SET_MM_MAP), and then forks a child that execs.
//
// Logged must be: the program that was executed as what the process ran.
// Goes wrong where /proc/PID/exe, or the same field of the kernel's memory, is
// asked what a process runs.
#include "lib/expect.h"

#include <linux/prctl.h>

// replace puts anonymous memory with the same bytes in the place of every mapping
// of a file, this code's own included: the kernel takes another file only when
// nothing of the one before is mapped.
static void replace(void) {
	char line[PATH_MAX + 128];
	struct {
		unsigned long from, to;
		int prot;
	} maps[16];
	int n = 0;
	FILE *f = fopen("/proc/self/maps", "re");
	if (!f) fail("maps: %s", strerror(errno));
	while (fgets(line, sizeof line, f) && n < 16) {
		char prot[8];
		unsigned long inode;
		if (sscanf(line, "%lx-%lx %7s %*x %*s %lu", &maps[n].from, &maps[n].to, prot, &inode) != 4 || !inode) continue;
		maps[n].prot = PROT_READ | (prot[1] == 'w' ? PROT_WRITE : 0) | (prot[2] == 'x' ? PROT_EXEC : 0);
		n++;
	}
	fclose(f);
	for (int i = 0; i < n; i++) {
		size_t len = maps[i].to - maps[i].from;
		void *copy = MUST(mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
		memcpy(copy, (void *)maps[i].from, len);
		MUST(mprotect(copy, len, maps[i].prot));
		MUST(mremap(copy, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)maps[i].from));
	}
}

// show has /proc/self/exe lead to another file. The other values of the call are what
// they were.
static void show(int fd) {
	unsigned long v[52] = {0};
	char text[4096];
	int in = MUST(open("/proc/self/stat", O_RDONLY | O_CLOEXEC));
	ssize_t len = MUST(read(in, text, sizeof text - 1));
	close(in);
	text[len] = 0;
	char *word = strrchr(text, ')');
	strtok(word, " ");
	for (int field = 3; field <= 51 && (word = strtok(NULL, " ")); field++) v[field] = strtoul(word, NULL, 10);
	struct prctl_mm_map map = {.start_code = v[26], .end_code = v[27], .start_stack = v[28], .start_data = v[45],
	                           .end_data = v[46], .start_brk = v[47], .brk = (uintptr_t)sbrk(0), .arg_start = v[48],
	                           .arg_end = v[49], .env_start = v[50], .env_end = v[51], .exe_fd = fd};
	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) < 0)
		skip("another program to show: %s", strerror(errno));
}

int main(void) {
	begin(NULL);
	char *program = target("program"), *innocent = target("innocent");
	int fd = MUST(open(innocent, O_RDONLY | O_CLOEXEC));
	replace();
	show(fd);
	char shown[PATH_MAX] = "";
	MUST(readlink("/proc/self/exe", shown, sizeof shown - 1));
	if (strcmp(shown, innocent)) fail("%s is shown", shown);

	char **argv = ARGV(program, tok("a"));
	struct run r = run(program, argv);
	expect("a", &r);
	native("a", program, hash(program), argv);
	end();
}
