//! What must not compile.

#[test]
fn the_compiler_keeps_the_promise() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
