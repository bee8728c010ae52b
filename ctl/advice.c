/*
 * Advice, one text for each row of stir_reason.def and sign_outcome.def.
 */
#include "config.h"

#include "ctl/advice.h"

static const char *const reasons[STIR_REASON_COUNT] = {
	[STIR_OK] = "Nothing: the message is what its signer sent.",
	[STIR_NO_IDENTITY] = "If it should have been signed: see on the sending side whether the signer ran, and whether a hop removed the field.",
	[STIR_PPT_UNSUPPORTED] = "Tokens of calls (shaken, div, rcd) don't speak for a message; ask the sender for ppt=msg.",
	[STIR_BAD_SIGNATURE] = ("Either the token was changed on the way, or the file at x5u is not the certificate of the key that signed. "
		"Compare the public key in it with the signer's ('stirctl show')."),
	[STIR_ORIG_MISMATCH] = "Compare orig with From. If they are the same number in different writing, NumberPlan lacks the sender's domain.",
	[STIR_DEST_MISMATCH] = ("Compare dest with the recipients. In a stored message these are guessed from its fields: give the real ones with --rcpt. "
		"For forwarded mail, DestCover any only reports it."),
	[STIR_MSGI_MISMATCH] = ("Something changed the body after it was signed: a footer, a re-encoding hop, a virus scanner. "
		"Sign after the last of them and verify before the first; check that the stored file was not edited."),
	[STIR_MSGC_MISMATCH] = "The top Content-Type was changed after signing, so the same octets may show something else. Find the hop that did it.",
	[STIR_MSGI_MALFORMED] = "The signer writes the claim wrongly: it must be sha256-, sha384- or sha512- and base64 of that length.",
	[STIR_CONSTRAINT_VIOLATED] = "The signer must keep to its certificate's claim constraints; 'stirctl show' prints them.",
	[STIR_DIV_BROKEN] = "Ask the party that diverted the message; each div token must begin where the one before ended.",
	[STIR_REPLAYED] = "The same token came before. Without a retransmission of your own MTA behind it, treat it as copied.",
	[STIR_STALE] = "For a stored message judge as of its receipt: --now receipt. For live mail look for a queue that delays, a wrong clock, or raise MaxAge.",
	[STIR_FROM_FUTURE] = "Compare this host's clock and the signer's (NTP). For a stored message, see what --now says.",
	[STIR_CERT_UNTRUSTED] = "If you mean to trust the issuer, add its root to TrustAnchors. The chain at x5u must hold the certificates between.",
	[STIR_CERT_EXPIRED] = "The signer must renew its certificate; or the clock of one side is wrong.",
	[STIR_CERT_REVOKED] = "Don't trust the message. The signer needs a new certificate.",
	[STIR_NUMBER_NOT_AUTHORISED] = "The signer speaks for a number its certificate doesn't name: see its TNAuthList with 'stirctl show'.",
	[STIR_SPC_NOT_AUTHORISED] = "Set Authority spc if a certificate that names only the provider is enough here.",
	[STIR_MSGI_MISSING] = "The signer left the digest out, often since the body would not survive the way. Set RequireMsgi no to accept that.",
	[STIR_CERT_UNREACHABLE] = ("stirctl asks no network: put the file below CertificateDir (--certs), as HOST/PATH of x5u. Where the milter itself had this, "
		"detail= in its log says why; ask with 'curl -v' from its host. See FetchHosts, FetchAddresses and FetchCAFile."),
	[STIR_REVOCATION_UNKNOWN] = "Renew RevocationList (or crls of the trust domain), or set RevocationPolicy (revocation) soft. For a stored message it takes a list of that time.",
	[STIR_NO_RESOURCE] = "The message is larger or deeper than is looked at (MaximumHeaders), or memory ran out; see the detail.",
	[STIR_IDENTITY_SYNTAX] = "The field was damaged on the way or written wrongly. A '!' inside the token is Sendmail's: the signer must fold the field.",
	[STIR_TOKEN_SYNTAX] = "Look at the token with 'stirctl show'. The compact form of RFC 8225 7 can't be used in mail.",
	[STIR_TOKEN_TOO_LARGE] = "The signer must name fewer recipients in one token.",
	[STIR_ALG_UNSUPPORTED] = "PASSporTs are signed with ES256; the signer must use a P-256 key.",
	[STIR_CLAIMS_INVALID] = "Look at the claims with 'stirctl show': iat is an integer, orig one identity, dest arrays, each once.",
	[STIR_INFO_MISMATCH] = "The signer must write in the field's parameters what stands in the token's header.",
	[STIR_AMBIGUOUS_SENDER] = "A message with several senders, or none, can't be bound to one number. Correct From.",
	[STIR_X5U_FORBIDDEN] = "x5u must be https, port 443 or 8443, a host name and a path, without user, query or fragment.",
	[STIR_CERT_INVALID] = "Look at the file at x5u with 'stirctl show'; it says which rule the certificate breaks.",
};

static const char *const outcomes[SIGN_OUTCOME_COUNT] = {
	[SIGN_SIGNED] = "Nothing: it can be sent.",
	[SIGN_SIGNED_UNBOUND] = "Make the body safe (quoted-printable or base64, closed multiparts), or set UnsafeBody sign.",
	[SIGN_NO_NUMBER] = "If the local part of From is a number, add its domain to NumberPlan; a number is never guessed.",
	[SIGN_AMBIGUOUS] = "Correct From: one field with one address.",
	[SIGN_NOT_ALLOWED] = ("If the client may use that number, SigningTable needs a line for it. "
		"Who it is, a file doesn't say: --env auth.user=, client=, listener= or tls.subject=."),
	[SIGN_OFF] = "Nothing: a line of SigningTable has the key none for this client.",
	[SIGN_CLOCK] = "Have the clock synchronised (chrony, ntpd, systemd-timesyncd), or set RequireClockSync no.",
	[SIGN_NOT_COVERED] = "Sign with the certificate of that number's holder; 'stirctl show' prints the TNAuthList of yours.",
	[SIGN_NO_DEST] = "A token needs a recipient it may show: see --rcpt, To and Cc.",
	[SIGN_ALREADY] = "Nothing: it was signed before. To sign it anew, remove the Identity field.",
	[SIGN_DIVERTED] = "Nothing: the token that came stays, and the new one says where the message goes.",
	[SIGN_NOT_DIVERTED] = "Nothing: it goes where its token says. To sign it anew, remove the Identity field.",
	[SIGN_DIVERT_NOT_OURS] = "Whoever holds the number that is no recipient any more must sign; 'stirctl show' prints the TNAuthList of your certificate.",
	[SIGN_DIVERT_AMBIGUOUS] = "Divert one number at a time, so that the token says which one was replaced.",
	[SIGN_DIVERT_ORIG] = "The token is for another sender than From: see what rewrote From on the way.",
	[SIGN_DIVERT_STALE] = "Sign the diversion when the message arrives; see what delayed it, and both clocks.",
	[SIGN_NOT_FORWARD] = ("Nothing: reports and automatic messages have no user as their author. "
		"If this is none, look at Return-Path and X-Mms-Message-Type."),
	[SIGN_HIDDEN] = "Nothing: a token names its sender. If the client is an MMSC that hides the number itself, name it in MM4MTA or MM4Peers.",
	[SIGN_CERT_DATES] = "Renew the certificate, or correct the clock; for a stored message see --now.",
	[SIGN_CONSTRAINED] = "Sign with a certificate made for messages; 'stirctl show' prints the claim constraints of yours.",
	[SIGN_UNSAFE] = "Make the body safe (quoted-printable or base64, closed multiparts), or set UnsafeBody omit or sign.",
	[SIGN_KEY_FAILED] = "See the detail, and whether the key file is readable and fits the certificate.",
	[SIGN_NO_RESOURCE] = "The message is larger than is looked at (MaximumHeaders), or memory ran out.",
};

const char *advice_reason(enum stir_reason r)
{
	return r < STIR_REASON_COUNT && reasons[r] ? reasons[r] : "No advice for this one.";
}

const char *advice_outcome(enum sign_outcome o)
{
	return o < SIGN_OUTCOME_COUNT && outcomes[o] ? outcomes[o] : "No advice for this one.";
}
