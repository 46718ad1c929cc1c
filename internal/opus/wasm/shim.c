/* What internal/opus calls. Pointers are offsets into the module's memory, which Go reads and writes. */
#include <stdint.h>
#include <stdlib.h>
#include <opus.h>

#define EXPORT(name) __attribute__((export_name(#name)))

/* libopus calls this when it finds its own state broken. A trap ends the call with an error in Go. */
void celt_fatal(const char *message, const char *file, int line) { __builtin_trap(); }

EXPORT(allocate) void *allocate(int32_t size) { return malloc(size); }
EXPORT(release) void release(void *p) { free(p); }

EXPORT(encoder_size) int32_t encoder_size(int32_t channels) { return opus_encoder_get_size(channels); }
EXPORT(encoder_init) int32_t encoder_init(OpusEncoder *e, int32_t channels, int32_t application) {
  return opus_encoder_init(e, 48000, channels, application);
}
EXPORT(encoder_set) int32_t encoder_set(OpusEncoder *e, int32_t request, int32_t value) {
  return opus_encoder_ctl(e, request, value);
}
EXPORT(encoder_reset) int32_t encoder_reset(OpusEncoder *e) { return opus_encoder_ctl(e, OPUS_RESET_STATE); }
EXPORT(encode) int32_t encode(OpusEncoder *e, const float *pcm, int32_t samples, uint8_t *packet, int32_t size) {
  return opus_encode_float(e, pcm, samples, packet, size);
}

EXPORT(decoder_size) int32_t decoder_size(int32_t channels) { return opus_decoder_get_size(channels); }
EXPORT(decoder_init) int32_t decoder_init(OpusDecoder *d, int32_t channels) { return opus_decoder_init(d, 48000, channels); }
EXPORT(decoder_reset) int32_t decoder_reset(OpusDecoder *d) { return opus_decoder_ctl(d, OPUS_RESET_STATE); }
EXPORT(decode) int32_t decode(OpusDecoder *d, const uint8_t *packet, int32_t size, float *pcm, int32_t samples, int32_t fec) {
  return opus_decode_float(d, size ? packet : 0, size, pcm, samples, fec);
}
