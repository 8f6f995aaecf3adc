import Testing

@testable import OTLP

@Suite("Protobuf writer")
struct ProtobufWriterTests {
  /// With its tag and length, the field makes messages of 2, 127, 128, 16,383 and 16,384 bytes.
  @Test(
    "A message has the shortest length, however long it was thought to be",
    arguments: [0, 125, 126, 16_380, 16_381], [0, 1, 200, 20_000, 3_000_000])
  func lengths(count: Int, expected: Int) {
    let content = [UInt8](repeating: 7, count: count)
    var message = ProtobufWriter()
    message.data(1, content)

    var inPlace = ProtobufWriter()
    inPlace.int(3, 5)
    inPlace.message(2, about: expected) { $0.data(1, content) }
    inPlace.int(4, 6)

    var ahead = ProtobufWriter()
    ahead.int(3, 5)
    ahead.data(2, message.bytes)
    ahead.int(4, 6)
    #expect(inPlace.bytes == ahead.bytes)
  }
}
