import Testing

@testable import ValueStreamCore

@Suite("Numbers beyond the range of whole numbers")
struct SaturatingTests {
  @Test(
    "become the bound, and others the nearest whole number",
    arguments: [
      (0.4, 0), (-0.5, -1), (2.5, 3), (0x1p62, 1 << 62), (0x1p63, .max), (-0x1p63, .min), (1e300, .max), (-1e300, .min),
      (.infinity, .max), (-.infinity, .min), (.nan, 0), (0x1p63.nextDown, 0x7fff_ffff_ffff_fc00),
    ] as [(Double, Int64)])
  func bounds(number: Double, expected: Int64) {
    #expect(Int64(saturating: number) == expected)
  }

  @Test("of narrow types have the bounds of their type")
  func narrow() {
    #expect(UInt8(saturating: 255.4) == 255)
    #expect(UInt8(saturating: 256) == 255)
    #expect(UInt8(saturating: -1) == 0)
  }
}
