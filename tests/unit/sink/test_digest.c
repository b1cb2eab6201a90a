/* test_digest.c: the hashes of the standards' own examples. */
#include "sink/digest.h"

#include "unit.h"

static struct error err;

static void assert_hex(const struct digest *d, const char *hex)
{
    struct buffer text;
    buffer_init(&text, 100);
    digest_append(&text, d);
    unit_assert_slice(buffer_slice(&text), hex);
    buffer_free(&text);
}

static const struct {
    const char *text, *hex;
} hashes[] = {
    // FIPS 180-2, appendix B, and the empty text
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(a_text_has_its_hash_in_one_piece_and_in_many)
{
    struct digest d;
    struct digest_stream *stream;
    unit_assert_ok(digest_of(slice_of(hashes[_i].text), &d, &err), err);
    assert_hex(&d, hashes[_i].hex);
    unit_assert_ok(digest_begin(&stream, &err), err);
    for (const char *c = hashes[_i].text; *c != '\0'; c++)
        unit_assert_ok(digest_add(stream, c, 1, &err), err);
    unit_assert_ok(digest_end(stream, &d, &err), err);
    assert_hex(&d, hashes[_i].hex);
}
END_TEST

START_TEST(a_stream_can_be_given_up)
{
    struct digest_stream *stream;
    unit_assert_ok(digest_begin(&stream, &err), err);
    unit_assert_ok(digest_end(stream, NULL, &err), err);
}
END_TEST

START_TEST(a_keyed_hash_is_that_of_rfc_4231)
{
    struct digest d;
    unit_assert_ok(
        digest_hmac(slice_of("Jefe"), slice_of("what do ya want for nothing?"), &d, &err), err);
    assert_hex(&d, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
END_TEST

UNIT_MAIN("sink/digest", UNIT_EACH(a_text_has_its_hash_in_one_piece_and_in_many, hashes),
          UNIT_TEST(a_stream_can_be_given_up), UNIT_TEST(a_keyed_hash_is_that_of_rfc_4231))
