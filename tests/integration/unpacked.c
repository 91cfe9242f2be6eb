/*
 * Preloaded into servers that tests have unpacked from their packages and not
 * installed: most of these cannot be installed beside each other.
 *
 * A server then finds below other folders what it looks for below those that
 * were compiled into it, believes that it may change its user, which does
 * nothing, and finds every user it looks for.  unpacked_pam.c has PAM.
 *
 *	UNPACKED_PATHS	"from=to:from=to", the first prefix that fits wins
 *	UNPACKED_HOMES	a folder: home folders
 *	UNPACKED_LOG	a file: what is said to syslog
 */

#undef _FORTIFY_SOURCE
#define _GNU_SOURCE
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* What dlsym() gives is a function; ISO C has no cast for that. */
#define NEXT(name)                     \
	static __typeof__(name) *next; \
	if (next == NULL)              \
	*(void **)&next = dlsym(RTLD_NEXT, #name)

/* ---- paths ---- */

struct place {
	char path[PATH_MAX];
};

/* Where a path leads: to itself, or to `place`, which is filled. */
static const char *
path_moved(const char *path, struct place *place)
{
	const char *rule = getenv("UNPACKED_PATHS");

	if (path == NULL || path[0] != '/')
		return path;
	while (rule != NULL && *rule != '\0') {
		size_t from = strcspn(rule, "=");
		const char *to = rule + from + (rule[from] == '=');
		size_t length = strcspn(to, ":");

		if (strncmp(path, rule, from) == 0 &&
		    (path[from] == '/' || path[from] == '\0')) {
			snprintf(place->path, sizeof place->path, "%.*s%s",
			    (int)length, to, path + from);
			return place->path;
		}
		rule = to + length + (to[length] == ':');
	}
	return path;
}

/* The mode of an open() that may create a file. */
#define OPEN_MODE(flags, mode)                                \
	do {                                                  \
		if (((flags) & (O_CREAT | O_TMPFILE)) != 0) { \
			va_list rest;                         \
                                                              \
			va_start(rest, flags);                \
			mode = va_arg(rest, mode_t);          \
			va_end(rest);                         \
		}                                             \
	} while (0)

int
open(const char *path, int flags, ...)
{
	struct place place;
	mode_t mode = 0;
	NEXT(open);

	OPEN_MODE(flags, mode);
	return next(path_moved(path, &place), flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	struct place place;
	mode_t mode = 0;
	NEXT(open64);

	OPEN_MODE(flags, mode);
	return next(path_moved(path, &place), flags, mode);
}

int
openat(int folder, const char *path, int flags, ...)
{
	struct place place;
	mode_t mode = 0;
	NEXT(openat);

	OPEN_MODE(flags, mode);
	return next(folder, path_moved(path, &place), flags, mode);
}

/* What the fortified open() of a server calls. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);

int
__open_2(const char *path, int flags)
{
	return open(path, flags);
}

int
__open64_2(const char *path, int flags)
{
	return open(path, flags);
}

/* Functions whose only or first argument is the path. */
#define MOVED(type, name, parameters, ...)                                \
	type name parameters                                              \
	{                                                                 \
		struct place place;                                       \
		NEXT(name);                                               \
                                                                          \
		return next(                                              \
		    path_moved(path, &place) __VA_OPT__(, ) __VA_ARGS__); \
	}

MOVED(FILE *, fopen, (const char *path, const char *mode), mode)
MOVED(FILE *, fopen64, (const char *path, const char *mode), mode)
MOVED(int, stat, (const char *path, struct stat *found), found)
MOVED(int, lstat, (const char *path, struct stat *found), found)
MOVED(int, stat64, (const char *path, struct stat64 *found), found)
MOVED(int, lstat64, (const char *path, struct stat64 *found), found)
MOVED(int, access, (const char *path, int mode), mode)
MOVED(int, chdir, (const char *path))
MOVED(int, unlink, (const char *path))
MOVED(int, mkdir, (const char *path, mode_t mode), mode)
MOVED(int, chmod, (const char *path, mode_t mode), mode)
MOVED(DIR *, opendir, (const char *path))
MOVED(int, execv, (const char *path, char *const arguments[]), arguments)
MOVED(int, execve,
    (const char *path, char *const arguments[], char *const environment[]),
    arguments, environment)
MOVED(void *, dlopen, (const char *path, int mode), mode)

int
rename(const char *from, const char *to)
{
	struct place places[2];
	NEXT(rename);

	return next(path_moved(from, &places[0]), path_moved(to, &places[1]));
}

/* The address of a socket with a path, moved; others as they are. */
static const struct sockaddr *
address_moved(const struct sockaddr *address, socklen_t *length,
    struct sockaddr_un *moved)
{
	struct sockaddr_un asked;
	struct place place;
	const char *path;

	if (address->sa_family != AF_UNIX || *length > sizeof asked)
		return address;
	memset(&asked, 0, sizeof asked);
	memcpy(&asked, address, *length);
	path = path_moved(asked.sun_path, &place);
	if (path == asked.sun_path || strlen(path) >= sizeof moved->sun_path)
		return address;
	memset(moved, 0, sizeof *moved);
	moved->sun_family = AF_UNIX;
	strcpy(moved->sun_path, path);
	*length = sizeof *moved;
	return (const struct sockaddr *)moved;
}

int
connect(int fd, const struct sockaddr *address, socklen_t length)
{
	struct sockaddr_un moved;
	NEXT(connect);

	address = address_moved(address, &length, &moved);
	return next(fd, address, length);
}

int
bind(int fd, const struct sockaddr *address, socklen_t length)
{
	struct sockaddr_un moved;
	NEXT(bind);

	address = address_moved(address, &length, &moved);
	return next(fd, address, length);
}

/* ---- syslog ---- */

/* Servers close what they do not know, so that no descriptor is kept. */
void
vsyslog(int priority, const char *format, va_list arguments)
{
	const char *path = getenv("UNPACKED_LOG");
	char line[2048];
	int fd, length;

	(void)priority;
	length = vsnprintf(line, sizeof line - 1, format, arguments);
	if (path == NULL || length < 0)
		return;
	if ((size_t)length >= sizeof line - 1)
		length = (int)sizeof line - 2;
	if (length == 0 || line[length - 1] != '\n')
		line[length++] = '\n';
	fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, line, (size_t)length) != length) {
		/* A line of a log, which nobody can be told of. */
	}
	close(fd);
}

void
syslog(int priority, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsyslog(priority, format, arguments);
	va_end(arguments);
}

/* What their fortified forms call. */
void __syslog_chk(int priority, int flag, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void __vsyslog_chk(int priority, int flag, const char *format,
    va_list arguments) __attribute__((format(printf, 3, 0)));

void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list arguments;

	(void)flag;
	va_start(arguments, format);
	vsyslog(priority, format, arguments);
	va_end(arguments);
}

void
__vsyslog_chk(int priority, int flag, const char *format, va_list arguments)
{
	(void)flag;
	vsyslog(priority, format, arguments);
}

/* ---- users ---- */

/* Whom the server believes to be; nobody's rights change by it. */
static uid_t user_claimed = (uid_t)-1;
static gid_t group_claimed = (gid_t)-1;

#define CLAIMED(name, type, claimed)                           \
	type name(void)                                        \
	{                                                      \
		NEXT(name);                                    \
                                                               \
		return claimed != (type)-1 ? claimed : next(); \
	}

CLAIMED(getuid, uid_t, user_claimed)
CLAIMED(geteuid, uid_t, user_claimed)
CLAIMED(getgid, gid_t, group_claimed)
CLAIMED(getegid, gid_t, group_claimed)

static int
user_claim(uid_t user)
{
	user_claimed = user;
	return 0;
}

static int
group_claim(gid_t group)
{
	group_claimed = group;
	return 0;
}

int
setuid(uid_t user)
{
	return user_claim(user);
}

int
seteuid(uid_t user)
{
	return user_claim(user);
}

int
setreuid(uid_t real, uid_t effective)
{
	return user_claim(effective != (uid_t)-1 ? effective : real);
}

int
setresuid(uid_t real, uid_t effective, uid_t saved)
{
	(void)saved;
	return setreuid(real, effective);
}

int
setgid(gid_t group)
{
	return group_claim(group);
}

int
setegid(gid_t group)
{
	return group_claim(group);
}

int
setregid(gid_t real, gid_t effective)
{
	return group_claim(effective != (gid_t)-1 ? effective : real);
}

int
setresgid(gid_t real, gid_t effective, gid_t saved)
{
	(void)saved;
	return setregid(real, effective);
}

int
setgroups(size_t count, const gid_t *groups)
{
	(void)count;
	(void)groups;
	return 0;
}

int
initgroups(const char *user, gid_t group)
{
	(void)user;
	(void)group;
	return 0;
}

int
chroot(const char *path)
{
	(void)path;
	return 0;
}

int
chown(const char *path, uid_t user, gid_t group)
{
	(void)path;
	(void)user;
	(void)group;
	return 0;
}

int
fchown(int fd, uid_t user, gid_t group)
{
	(void)fd;
	(void)user;
	(void)group;
	return 0;
}

/* Whoever is asked for exists, as the user who runs the tests. */
struct passwd *
getpwnam(const char *name)
{
	static struct passwd user;
	static char known_as[256], home[PATH_MAX];
	static char none[] = "*", shell[] = "/bin/sh";
	const char *homes = getenv("UNPACKED_HOMES");
	struct stat found;

	if (homes == NULL || strchr(name, '/') != NULL)
		return NULL;
	snprintf(known_as, sizeof known_as, "%s", name);
	snprintf(home, sizeof home, "%s/%s", homes, name);
	/* Owner of what is his, whoever he is. */
	if (stat(homes, &found) != 0)
		return NULL;
	user = (struct passwd){ .pw_name = known_as,
		.pw_passwd = none,
		.pw_uid = found.st_uid != 0 ? found.st_uid : 1,
		.pw_gid = found.st_gid != 0 ? found.st_gid : 1,
		.pw_gecos = none,
		.pw_dir = home,
		.pw_shell = shell };
	return &user;
}

int
getpwnam_r(const char *name, struct passwd *user, char *buffer, size_t size,
    struct passwd **result)
{
	const struct passwd *found = getpwnam(name);
	int length;

	*result = NULL;
	if (found == NULL)
		return 0;
	length = snprintf(buffer, size, "%s%c%s%c*%c/bin/sh", found->pw_name,
	    '\0', found->pw_dir, '\0', '\0');
	if (length < 0 || (size_t)length >= size)
		return ERANGE;
	*user = *found;
	user->pw_name = buffer;
	user->pw_dir = buffer + strlen(buffer) + 1;
	user->pw_passwd = user->pw_dir + strlen(user->pw_dir) + 1;
	user->pw_gecos = user->pw_passwd;
	user->pw_shell = user->pw_passwd + 2;
	*result = user;
	return 0;
}

struct group *
getgrnam(const char *name)
{
	static struct group group;
	static char known_as[256], none[] = "*";
	static char *members[] = { NULL };

	snprintf(known_as, sizeof known_as, "%s", name);
	group = (struct group){ .gr_name = known_as,
		.gr_passwd = none,
		.gr_gid = 1,
		.gr_mem = members };
	return &group;
}
