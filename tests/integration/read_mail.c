/*
 * Reads messages as the store does, for a comparison with another reader.  On
 * standard input each comes after its length and a line feed; for each there
 * is a line of JSON.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/store/scan.h"

static void
print_text(const char *name, const char *text)
{
	printf("\"%s\": ", name);
	if (text == NULL) {
		printf("null");
		return;
	}
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static bool
print_message(const char *message, size_t length)
{
	struct store_scan_held held = { 0 };
	struct store_scan *scan = store_scan_new(&held, STORE_SCAN_FOR_SEAL);
	struct store_scan_result result;

	if (scan == NULL || !store_scan_feed(scan, message, length) ||
	    !store_scan_finish(scan, &result))
		return false;
	putchar('{');
	print_text("subject", result.envelope->subject);
	printf(", ");
	print_text("sender", result.envelope->sender);
	printf(", \"attachments\": %u}\n", result.attachments);
	store_scan_free(scan);
	return true;
}

int
main(void)
{
	char line[32];

	if (!store_digest_init())
		return 1;
	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t length = strtoul(line, NULL, 10);
		char *message = malloc(length + 1);

		if (message == NULL ||
		    fread(message, 1, length, stdin) != length ||
		    !print_message(message, length))
			return 1;
		free(message);
	}
	return 0;
}
