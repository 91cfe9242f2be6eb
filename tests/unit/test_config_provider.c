/*
 * The table of providers, what an account takes from it, and what their
 * servers mean by the words of a refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <evpop/auth.h>
#include <evpop/client.h>

#include "daemon/config/provider.h"
#include "tests/unit/test_config_folder.h"

#define XOAUTH2     EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_XOAUTH2)
#define OAUTHBEARER EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_OAUTHBEARER)

static bool
is_https(const char *url)
{
	return url == NULL || strncmp(url, "https://", 8) == 0;
}

/* What the rest of the daemon relies on. */
static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < config_provider_count; i++) {
		const struct config_provider *p = &config_providers[i];
		const bool no_pop3 = (p->flags & CONFIG_PROVIDER_NO_POP3) != 0;
		const bool no_password =
		    (p->flags & CONFIG_PROVIDER_NO_PASSWORD) != 0;

		if (i > 0 && strcmp(config_providers[i - 1].name, p->name) >= 0)
			fail_msg("%s does not stand in order", p->name);
		if ((p->host == NULL) != no_pop3 || p->title == NULL ||
		    (p->host != NULL && p->port == 0) ||
		    (p->flags != 0 && p->advice == NULL) ||
		    (p->domains == NULL && p->exchangers == NULL) ||
		    (no_password && p->oauth2.token_url == NULL) ||
		    (p->oauth2.token_url != NULL) != (p->token_mechanisms != 0))
			fail_msg("%s lacks something", p->name);
		if (p->oauth2.token_url != NULL &&
		    (p->oauth2.scope == NULL ||
			p->oauth2.authorization_url == NULL ||
			p->oauth2.register_url == NULL))
			fail_msg("%s lacks a part of OAuth 2", p->name);
		if (!is_https(p->oauth2.token_url) ||
		    !is_https(p->oauth2.device_url) ||
		    !is_https(p->oauth2.authorization_url) ||
		    !is_https(p->oauth2.register_url) ||
		    !is_https(p->pop3_url) || !is_https(p->password_url))
			fail_msg("%s has a URL that is not https", p->name);
		assert_ptr_equal(config_provider_find(p->name), p);
	}
	assert_null(config_provider_find("nobody"));
	assert_null(config_provider_find("Gmail"));
}

/* No domain and no end of a name belongs to two. */
static void
test_names_belong_to_one(void **state)
{
	char copy[1024], *rest, *word;

	(void)state;
	for (size_t i = 0; i < config_provider_count; i++) {
		const struct config_provider *p = &config_providers[i];

		rest = copy;
		(void)snprintf(copy, sizeof(copy), "%s",
		    p->domains == NULL ? "" : p->domains);
		while ((word = strsep(&rest, " ")) != NULL)
			if (*word != '\0' &&
			    config_provider_of_domain(word) != p)
				fail_msg("%s is of two", word);
		rest = copy;
		(void)snprintf(copy, sizeof(copy), "%s",
		    p->exchangers == NULL ? "" : p->exchangers);
		while ((word = strsep(&rest, " ")) != NULL)
			if (*word != '\0' &&
			    config_provider_of_exchanger(word) != p)
				fail_msg("%s is of two", word);
	}
}

static void
test_find(void **state)
{
	static const struct {
		const char *domain, *name;
	} domains[] = { { "GMAIL.com", "gmail" }, { "hotmail.de", "outlook" },
		{ "web.de", "web.de" }, { "pm.me", "proton" },
		{ "gmail.co", NULL }, { "mail.com", NULL }, { "com", NULL },
		{ "", NULL }, { "gmail.com yahoo.com", NULL } };
	static const struct {
		const char *host, *name;
	} hosts[] = { { "aspmx.l.google.com", "gmail" },
		{ "example-org.mail.protection.outlook.com", "office365" },
		{ "example-org.n-v1.MX.microsoft", "office365" },
		{ "outlook-com.olc.protection.outlook.com", "outlook" },
		{ "mta5.am0.yahoodns.net", "yahoo" },
		{ "mx-aol.mail.gm0.yahoodns.net", "aol" },
		{ "in1-smtp.messagingengine.com", "fastmail" },
		{ "notgoogle.com", NULL }, { "google.com.example.org", NULL },
		{ "mx.example.org", NULL }, { "", NULL }, { ".", NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		const struct config_provider *found =
		    config_provider_of_domain(domains[i].domain);

		assert_string_equal(found == NULL ? "" : found->name,
		    domains[i].name == NULL ? "" : domains[i].name);
	}
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		const struct config_provider *found =
		    config_provider_of_exchanger(hosts[i].host);

		assert_string_equal(found == NULL ? "" : found->name,
		    hosts[i].name == NULL ? "" : hosts[i].name);
	}
}

static const char *
text(const char *text)
{
	return text == NULL ? "-" : text;
}

/* What an account is made of, in the order of the rows below. */
static void
describe(const struct config_account *a, char *line, size_t size)
{
	static const char *const flows[] = { "auto", "device", "code",
		"client" };
	static const struct config_oauth2 none = { 0 };
	const struct config_oauth2 *oauth2 =
	    a->oauth2 != NULL ? a->oauth2 : &none;

	(void)snprintf(line, size, "%s %u %d %s%s %s %s %s %s %s", a->host,
	    a->port, a->tls, (a->auth & XOAUTH2) != 0 ? "x" : "",
	    (a->auth & OAUTHBEARER) != 0 ? "b" : "", flows[a->oauth2_flow],
	    text(oauth2->token_url), text(oauth2->device_url),
	    text(oauth2->tenant), text(oauth2->scope));
}

#define GOOGLE "https://oauth2.googleapis.com/token"
#define ENTRA  "https://login.microsoftonline.com/"
#define POP_SCOPE \
	"https://outlook.office.com/POP.AccessAsUser.All offline_access"
#define APP_SCOPE  "https://outlook.office365.com/.default"
#define GMAIL_HOST "pop.gmail.com 995 0"

static void
test_account_takes(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "[account a]\nprovider=gmail\nuser=u\npassword=p\n",
		    GMAIL_HOST "  auto - - - -" },
		{ "[account a]\nprovider=gmail\nuser=u\ntoken_command=t\n",
		    GMAIL_HOST " xb auto - - - -" },
		{ "[account a]\nprovider=gmail\nuser=u\noauth2_client_id=c\n",
		    GMAIL_HOST " xb code " GOOGLE
			       " - - https://mail.google.com/" },
		{ "[account a]\nprovider=outlook\nuser=u\n"
		  "oauth2_client_id=c\n",
		    "outlook.office365.com 995 0 x device " ENTRA
		    "consumers/oauth2/v2.0/token " ENTRA
		    "consumers/oauth2/v2.0/devicecode consumers " POP_SCOPE },
		{ "[account a]\nprovider=office365\nuser=u\n"
		  "oauth2_client_id=c\noauth2_tenant=t.org\n"
		  "oauth2_flow=client-credentials\noauth2_client_secret=s\n",
		    "outlook.office365.com 995 0 x client " ENTRA
		    "t.org/oauth2/v2.0/token " ENTRA
		    "t.org/oauth2/v2.0/devicecode t.org " APP_SCOPE },
		/* The account's own keys stand above its provider. */
		{ "[account a]\nprovider=gmail\nuser=u\noauth2_client_id=c\n"
		  "host=::1\nport=1995\ntls=stls\nauth=xoauth2\n"
		  "oauth2_scope=s\noauth2_token_url=http://[::1]:1/t\n"
		  "oauth2_device_url=http://127.0.0.1/d\n",
		    "::1 1995 1 x device http://[::1]:1/t "
		    "http://127.0.0.1/d - s" },
		/* [defaults] stands above a provider that stands there. */
		{ "[defaults]\nprovider=gmail\nhost=h\n[account a]\nuser=u\n"
		  "password=p\n",
		    "h 995 0  auto - - - -" },
		{ "[defaults]\nhost=h\nport=110\ntls=stls\n[account a]\n"
		  "provider=gmail\nuser=u\npassword=p\n",
		    GMAIL_HOST "  auto - - - -" },
		/* One client for all, but for who has a password. */
		{ "[defaults]\nprovider=gmail\noauth2_client_id=c\n"
		  "[account a]\nuser=u\npassword=p\n",
		    GMAIL_HOST "  auto - - - -" },
	};
	char line[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config *config;

		folder_write_text(*state, "main.conf", rows[i].text);
		config = folder_read(*state);
		describe(config->accounts[0], line, sizeof(line));
		assert_string_equal(line, rows[i].expected);
		config_free(&config);
	}
}

#define ACCOUNT "[account a]\nhost=h\nuser=u\noauth2_client_id=c\n"
#define TOKEN   ACCOUNT "oauth2_token_url=https://h/t\n"

static void
test_complaints(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "[account a]\nprovider=gmaill\nuser=u\npassword=p\n",
		    "such as gmail, outlook, office365, fastmail or yahoo, not "
		    "\"gmaill\"; did you mean gmail?" },
		{ "[account a]\nprovider=icloud\nuser=u\npassword=p\n",
		    "[account a]: provider = icloud: iCloud Mail has no POP3" },
		{ "[account a]\nprovider=outlook\nuser=u\npassword=p\n",
		    "warning: [account a]: Outlook.com takes no passwords" },
		{ "[account a]\nprovider=yahoo\nuser=u\noauth2_client_id=c\n",
		    "is not known to give tokens to programs of one's own" },
		{ ACCOUNT, "oauth2_token_url is missing; expected it" },
		{ TOKEN, "oauth2_flow = client-credentials without a secret" },
		{ TOKEN "oauth2_flow=device\n",
		    "oauth2_flow = device without oauth2_device_url" },
		{ TOKEN "oauth2_flow=code\n",
		    "oauth2_flow = code without oauth2_authorization_url" },
		{ "[account a]\nprovider=gmail\nuser=u\noauth2_client_id=c\n"
		  "oauth2_flow=device\n",
		    "this provider gives no access to mail that way" },
		{ "[account a]\nprovider=office365\nuser=u\n"
		  "oauth2_client_id=c\noauth2_client_secret=s\n"
		  "oauth2_flow=client-credentials\n",
		    "client-credentials without oauth2_tenant" },
		{ ACCOUNT "oauth2_token_url=http://h/t\n"
			  "oauth2_client_secret=s\n",
		    "oauth2_token_url begins with http:// and would show "
		    "tokens" },
		{ ACCOUNT "oauth2_token_url=https://h/{tenant}\n"
			  "oauth2_client_secret=s\n",
		    "oauth2_tenant is missing, and a URL has {tenant}" },
		{ TOKEN "oauth2_client_secret=s\noauth2_tenant=a/../b\n",
		    "oauth2_tenant: expected the id or domain" },
		{ TOKEN "oauth2_client_secret=s\n"
			"oauth2_client_secret_file=/s\n",
		    "expected one of oauth2_client_secret, " },
		{ TOKEN "password=p\n",
		    "password and oauth2_client_id are both given; expected "
		    "one of them" },
		{ "[account a]\nhost=h\nuser=u\npassword=p\noauth2_scope=s\n",
		    "warning: [account a]: oauth2_scope is not used" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config_messages messages;
		struct config *config;
		bool is_there = false;

		folder_write_text(*state, "main.conf", rows[i].text);
		config = config_read(
		    ((const struct folder *)*state)->main, &messages);
		for (size_t j = 0; j < messages.count; j++)
			is_there = is_there || strstr(messages.lines[j],
						   rows[i].expected) != NULL;
		if (!is_there)
			fail_msg("row %zu: \"%s\" is not said, but \"%s\"", i,
			    rows[i].expected,
			    messages.count > 0 ? messages.lines[0] : "");
		config_messages_free(&messages);
		config_free(&config);
	}
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *words;
		enum config_refusal refusal;
	} cases[] = {
		{ "[AUTH] Username and password not accepted.",
		    CONFIG_REFUSAL_CREDENTIALS },
		{ "[AUTH] Application-specific password required: "
		  "https://support.google.com/accounts/answer/185833",
		    CONFIG_REFUSAL_APP_PASSWORD },
		{ "[SYS/PERM] Your account is not enabled for POP access. "
		  "Please visit your Gmail settings page and enable your "
		  "account for POP access.",
		    CONFIG_REFUSAL_POP3_OFF },
		{ "[AUTH] Web login required: https://support.google.com/",
		    CONFIG_REFUSAL_BROWSER },
		{ "", CONFIG_REFUSAL_CREDENTIALS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
		    config_refusal_of(cases[i].words), cases[i].refusal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_names_belong_to_one),
		cmocka_unit_test(test_find),
		cmocka_unit_test_setup_teardown(
		    test_account_takes, folder_set_up, folder_tear_down),
		cmocka_unit_test_setup_teardown(
		    test_complaints, folder_set_up, folder_tear_down),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
