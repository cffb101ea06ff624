# Builds xzdec from xz's source without its configure script, which would
# take longer than everything else in the demo.
L = src/liblzma
CPPFLAGS = -Isrc/xzdec -Isrc/common -I$L/api -I$L/common -I$L/check -I$L/lz \
	-I$L/lzma -I$L/rangecoder -I$L/simple -I$L/delta \
	-DPACKAGE_NAME='"xz"' -DPACKAGE_BUGREPORT='"xz@tukaani.org"' \
	-DPACKAGE_URL='"https://tukaani.org/xz/"' -DTUKLIB_GETTEXT=0 \
	-DTUKLIB_SYMBOL_PREFIX=lzma_ -DNDEBUG -DASSUME_RAM=128 -DSIZEOF_SIZE_T=8 \
	-DHAVE_STDINT_H -DHAVE_INTTYPES_H -DHAVE_STDBOOL_H -DHAVE__BOOL \
	-DHAVE_STRING_H -DHAVE_LIMITS_H -DHAVE_VISIBILITY=0 \
	-DHAVE_CHECK_CRC32 -DHAVE_CHECK_CRC64 -DHAVE_CHECK_SHA256 \
	-DHAVE_DECODERS -DHAVE_DECODER_LZMA1 -DHAVE_DECODER_LZMA2
SRCS = src/xzdec/xzdec.c src/common/tuklib_progname.c src/common/tuklib_exit.c \
	$(addprefix $L/common/, block_decoder.c block_header_decoder.c \
		block_util.c common.c filter_common.c filter_decoder.c \
		filter_flags_decoder.c index_hash.c stream_decoder.c \
		stream_flags_common.c stream_flags_decoder.c vli_decoder.c vli_size.c) \
	$(addprefix $L/check/, check.c crc32_fast.c crc32_table.c crc64_fast.c \
		crc64_table.c sha256.c) \
	$L/lz/lz_decoder.c $L/lzma/lzma2_decoder.c $L/lzma/lzma_decoder.c

xzdec: $(SRCS)
	$(CC) $(CPPFLAGS) -o $@ $(SRCS)

check: xzdec
	for f in tests/files/good-1-lzma2-*.xz; do \
		echo $$f; ./xzdec < $$f > /dev/null || exit 1; done
	! ./xzdec < tests/files/bad-1-block_header-1.xz > /dev/null 2>&1
