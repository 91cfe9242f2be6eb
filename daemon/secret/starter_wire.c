#include "daemon/secret/starter_wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool
starter_wire_write(int fd, const void *bytes, size_t length)
{
	const char *from = bytes;
	ssize_t put;

	while (length > 0) {
		put = send(fd, from, length, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		from += put;
		length -= (size_t)put;
	}
	return true;
}

bool
starter_wire_read(int fd, void *bytes, size_t length)
{
	char *to = bytes;
	ssize_t got;

	while (length > 0) {
		got = read(fd, to, length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		length -= (size_t)got;
	}
	return true;
}

union wire_control {
	struct cmsghdr header;
	char room[CMSG_SPACE(STARTER_STREAMS * sizeof(int))];
};

bool
starter_wire_send(int fd, const struct starter_request *request,
    const int *streams, size_t stream_count)
{
	struct iovec part = { .iov_base = (void *)(uintptr_t)request,
		.iov_len = sizeof(*request) };
	union wire_control control = { .room = { 0 } };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header;
	ssize_t put;

	if (stream_count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(stream_count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(stream_count * sizeof(int));
		memcpy(CMSG_DATA(header), streams, stream_count * sizeof(int));
	}
	do
		put = sendmsg(fd, &message, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put >= 0 && starter_wire_write(fd, (const char *)request + put,
			       sizeof(*request) - (size_t)put);
}

bool
starter_wire_receive(int fd, struct starter_request *request_r,
    int streams_r[STARTER_STREAMS], size_t *stream_count_r)
{
	struct iovec part = { .iov_base = request_r,
		.iov_len = sizeof(*request_r) };
	union wire_control control;
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *header;
	ssize_t got;

	*stream_count_r = 0;
	do
		got = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header != NULL && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS) {
		size_t length = header->cmsg_len - CMSG_LEN(0);

		memcpy(streams_r, CMSG_DATA(header), length);
		*stream_count_r = length / sizeof(int);
	}
	return starter_wire_read(
	    fd, (char *)request_r + got, sizeof(*request_r) - (size_t)got);
}
