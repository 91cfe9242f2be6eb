#include "daemon/deliver/carriers.h"

#include "daemon/deliver/carrier.h"

const struct carrier_type *const carriers[CONFIG_TARGET_COUNT] = {
	[CONFIG_TARGET_MAILDIR] = &carrier_maildir,
	[CONFIG_TARGET_MBOX] = &carrier_mbox,
	[CONFIG_TARGET_LMTP] = &carrier_lmtp,
	[CONFIG_TARGET_PIPE] = &carrier_pipe,
	[CONFIG_TARGET_IMAP] = &carrier_imap,
	[CONFIG_TARGET_HTTP] = &carrier_http,
	[CONFIG_TARGET_GMAIL] = &carrier_gmail,
};
