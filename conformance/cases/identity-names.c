// A program of one user executed by another, both of whom the machine's files
// name.
//
// Logged must be: the numbers, and the names that belonged to them.
// Goes wrong where names are looked up in the file of another root.
#include "lib/expect.h"

struct entry {
	char name[128];
	unsigned id;
};

// entries reads names and numbers from a file like /etc/passwd, root left out, each
// number once.
static int entries(const char *file, struct entry *e, int max) {
	char line[1024];
	FILE *f = fopen(file, "re");
	int n = 0;
	while (f && n < max && fgets(line, sizeof line, f)) {
		char *name = strtok(line, ":");
		strtok(NULL, ":");
		char *id = strtok(NULL, ":");
		if (!name || !id || strlen(name) >= sizeof e->name) continue;
		strcpy(e[n].name, name);
		e[n].id = strtoul(id, NULL, 10);
		int twice = e[n].id == 0;
		for (int i = 0; i < n; i++) twice |= e[i].id == e[n].id;
		if (!twice) n++;
	}
	if (f) fclose(f);
	return n;
}

static struct entry user[2], group[2];

static void become(void *unused) {
	(void)unused;
	MUST(setresgid(group[0].id, group[0].id, group[0].id));
	MUST(setresuid(user[0].id, user[0].id, user[0].id));
}

int main(void) {
	begin(NULL);
	if (entries("/etc/passwd", user, 2) < 2 || entries("/etc/group", group, 2) < 2) skip("no users");
	char *program = target("program");
	MUST(chown(program, user[1].id, group[1].id));
	char **argv = ARGV(program, tok("a"));
	struct run r = run_with(become, NULL, program, argv, environ);
	expect("a", &r);
	native("a", program, hash(program), argv);
	const char *kind[] = {"before", "after"};
	for (int i = 0; i < 2; i++) {
		has_num("a", format("%s.ruid", kind[i]), user[0].id);
		has("a", format("%s.ruser", kind[i]), user[0].name);
		has("a", format("%s.euser", kind[i]), user[0].name);
		has("a", format("%s.rgroup", kind[i]), group[0].name);
		has("a", format("%s.egroup", kind[i]), group[0].name);
	}
	has("a", "image.user", user[1].name);
	has("a", "image.group", group[1].name);
	has("a", "named.user", user[1].name);
	has("a", "named.group", group[1].name);
	end();
}
