# stir.sieve: files mail by what stir-milter found, in a mailbox behind it.
#
# Put your own AuthservID for mx.example.com, in every line that has it.
#
# Only the topmost Authentication-Results field is asked: stir-milter writes on top,
# and a field that came with the message stands below.  If a filter behind it writes
# one too, say ":index 2", or 3.  Mail that is no message of a number has no result
# and stays where it was.

require ["fileinto", "index", "mailbox"];

if header :index 1 :matches "Authentication-Results" "mx.example.com; x-stir=*" {
	# The policy of stir-milter comes first: it has weighed everything.
	if header :index 1 :matches "X-STIR-Policy" ["* would=quarantine *", "* would=redirect *", "* would=reject *", "* would=discard *"] {
		fileinto :create "STIR suspect";
		stop;
	}
	if header :index 1 :matches "Authentication-Results" "mx.example.com; x-stir=fail *" {
		fileinto :create "STIR failed";
		stop;
	}
	# It could not be read, or not be checked, or is less than is asked for.
	if header :index 1 :matches "Authentication-Results" [
		"mx.example.com; x-stir=permerror *",
		"mx.example.com; x-stir=temperror *",
		"mx.example.com; x-stir=policy *"
	] {
		fileinto :create "STIR unclear";
		stop;
	}
	if header :index 1 :matches "Authentication-Results" "mx.example.com; x-stir=none *" {
		fileinto :create "STIR unsigned";
		stop;
	}
	# A pass stays in the inbox: it says who sent, not that it is wanted.
}
