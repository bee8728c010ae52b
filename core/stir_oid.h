/*
 * Object identifiers of the STIR extensions (RFC 8226, RFC 9118), dotted.
 *
 * OpenSSL knows none of them, and teaching it (OBJ_create) would change a table
 * that belongs to the whole process; so they are turned into objects where they
 * are used.
 */
#ifndef STIR_CORE_STIR_OID_H
#define STIR_CORE_STIR_OID_H

#define STIR_OID_TNAUTHLIST "1.3.6.1.5.5.7.1.26"
#define STIR_OID_CLAIM_CONSTRAINTS "1.3.6.1.5.5.7.1.27"
#define STIR_OID_ENHANCED_CLAIM_CONSTRAINTS "1.3.6.1.5.5.7.1.33"
/* Access method of AIA: the TNAuthList by reference (RFC 8226, 10.1). */
#define STIR_OID_AD_TNAUTHLIST "1.3.6.1.5.5.7.48.14"

#endif
