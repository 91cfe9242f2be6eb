/*
 * The data in responses of IMAP that a delivery goes by: what the server can
 * do, how it names folders, where a message was put, what a folder holds.
 * Pure functions of text that is taken as hostile.
 */
#ifndef DELIVER_IMAP_DATA_H
#define DELIVER_IMAP_DATA_H

#include "daemon/deliver/imap_reply.h"

struct imap_capabilities {
	bool is_known;
	bool literal_plus, literal_minus; /* RFC 7888 */
	bool multiappend;                 /* RFC 3502 */
	bool sasl_ir;                     /* RFC 4959 */
	bool starttls, login_disabled, has_namespace, has_id;
	uint64_t append_limit; /* RFC 7889: octets; 0: it does not say */
	char mechanisms[256];  /* upper case, one space between */
};
/* LITERAL-: octets of a literal that need not wait. */
#define IMAP_LITERAL_MINUS 4096
/* Of "* CAPABILITY ..." or [CAPABILITY ...]; replaces what was known. */
void imap_capabilities_read(struct imap_span, struct imap_capabilities *);

/*
 * How this server names what a client may make (RFC 2342): a prefix of its own
 * folders ("INBOX."), and what is between a folder and one in it.
 */
#define IMAP_PREFIX  64
#define IMAP_FOREIGN 8
struct imap_naming {
	char prefix[IMAP_PREFIX];
	char delimiter; /* NUL: there are no folders in folders */
	/* Prefixes of other people's and shared folders; the first "" ends. */
	char foreign[IMAP_FOREIGN][IMAP_PREFIX];
};
/* Behind "NAMESPACE"; false where it is none. */
bool imap_naming_read_namespace(struct imap_span, struct imap_naming *);
/* Behind "LIST", as the answer to LIST "" "". */
bool imap_naming_read_list(struct imap_span, struct imap_naming *);

/* What is at a place: UIDs count up, until the folder is made anew. */
struct imap_state {
	uint32_t validity, next; /* 0: not known */
};
/* Behind "STATUS", as the answer to STATUS folder (UIDVALIDITY UIDNEXT). */
bool imap_state_read(struct imap_span, struct imap_state *);

/*
 * The data of [APPENDUID validity uids] (RFC 4315): how many UIDs there are, of
 * which at most `most` are given in order; 0 where it makes no sense.
 */
size_t imap_appenduid_read(
    struct imap_span, uint32_t *validity_r, uint32_t *uids_r, size_t most);

/*
 * Behind "FETCH", as the answer to UID FETCH (BODY.PEEK[HEADER.FIELDS
 * (NAME)]): the message's UID, and the field's value without blanks around it.
 */
bool imap_fetched_read(struct imap_span, const char *name, uint32_t *uid_r,
    struct imap_span *value_r);

#endif
