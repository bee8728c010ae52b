dnl STIR_LIBMILTER: the library and its header, or an error that says what to install.
AC_DEFUN([STIR_LIBMILTER], [
  AC_CHECK_HEADER([libmilter/mfapi.h], [],
    [AC_MSG_ERROR([libmilter/mfapi.h not found; on Debian: apt-get install libmilter-dev])])
  AC_CHECK_LIB([milter], [smfi_insheader], [MILTER_LIBS=-lmilter],
    [AC_MSG_ERROR([libmilter without smfi_insheader; version 8.14 or newer is needed])])
  AC_SUBST([MILTER_LIBS])
])

dnl STIR_PROBE(VARIABLE, FLAG, [LINK]): adds FLAG to VARIABLE if compiler (and linker) take it.
AC_DEFUN([STIR_PROBE], [
  AC_MSG_CHECKING([whether $CC accepts $2])
  stir_save_CFLAGS=$CFLAGS
  stir_save_LDFLAGS=$LDFLAGS
  CFLAGS="$CFLAGS -Werror $2"
  m4_if([$3], [LINK], [LDFLAGS="$LDFLAGS $2"])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); $1="$$1 $2"],
    [AC_MSG_RESULT([no])])
  CFLAGS=$stir_save_CFLAGS
  LDFLAGS=$stir_save_LDFLAGS
])

dnl STIR_WARNINGS: WARN_CFLAGS; the user's CFLAGS are never touched.
AC_DEFUN([STIR_WARNINGS], [
  WARN_CFLAGS=
  m4_foreach_w([stir_flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wformat=2 -Wpointer-arith -Wwrite-strings -Wundef -Wvla -Wnull-dereference
    -Wimplicit-fallthrough -Wlogical-op -Wduplicated-cond -Wdate-time],
    [STIR_PROBE([WARN_CFLAGS], stir_flag)])
  AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
  AC_SUBST([WARN_CFLAGS])
])

dnl STIR_HARDENING: what the compiler and linker have of it.
AC_DEFUN([STIR_HARDENING], [
  HARDEN_CFLAGS=
  HARDEN_LDFLAGS=
  m4_foreach_w([stir_flag], [-fvisibility=hidden -fno-strict-aliasing -fPIE -fstack-protector-strong
    -fstack-clash-protection -fcf-protection -ftrivial-auto-var-init=zero],
    [STIR_PROBE([HARDEN_CFLAGS], stir_flag)])
  m4_foreach_w([stir_flag], [-pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed],
    [STIR_PROBE([HARDEN_LDFLAGS], stir_flag, [LINK])])
  dnl _FORTIFY_SOURCE needs optimisation and quarrels with sanitizers.
  AS_IF([test "x$with_sanitizer" = xno], [
    AC_MSG_CHECKING([whether CFLAGS optimise, for _FORTIFY_SOURCE])
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM([
      #ifndef __OPTIMIZE__
      #error no
      #endif
      ], [])],
      [AC_MSG_RESULT([yes]); HARDEN_CFLAGS="$HARDEN_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"],
      [AC_MSG_RESULT([no])])])
  AC_SUBST([HARDEN_CFLAGS])
  AC_SUBST([HARDEN_LDFLAGS])
])

dnl STIR_SANITIZER: SAN_CFLAGS; asked for and not to be had is an error.
AC_DEFUN([STIR_SANITIZER], [
  SAN_CFLAGS=
  AS_IF([test "x$with_sanitizer" != xno], [
    STIR_PROBE([SAN_CFLAGS], [-fsanitize=$with_sanitizer], [LINK])
    AS_IF([test -z "$SAN_CFLAGS"],
      [AC_MSG_ERROR([$CC can't build with -fsanitize=$with_sanitizer])])
    SAN_CFLAGS="$SAN_CFLAGS -fno-sanitize-recover=all -fno-omit-frame-pointer -g"])
  AC_SUBST([SAN_CFLAGS])
])

dnl STIR_FUZZING: FUZZ_CFLAGS for all objects, FUZZ_LDFLAGS for the targets.
AC_DEFUN([STIR_FUZZING], [
  FUZZ_CFLAGS=
  FUZZ_LDFLAGS=
  AS_IF([test "x$enable_fuzzing" = xyes], [
    STIR_PROBE([FUZZ_CFLAGS], [-fsanitize=fuzzer-no-link], [LINK])
    AS_IF([test -z "$FUZZ_CFLAGS"],
      [AC_MSG_ERROR([--enable-fuzzing needs CC=clang with its runtime (Debian: libclang-rt-14-dev)])])
    FUZZ_LDFLAGS=-fsanitize=fuzzer])
  AC_SUBST([FUZZ_CFLAGS])
  AC_SUBST([FUZZ_LDFLAGS])
  AM_CONDITIONAL([FUZZING], [test "x$enable_fuzzing" = xyes])
])
