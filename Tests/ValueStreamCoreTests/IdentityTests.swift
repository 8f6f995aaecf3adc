import Testing
import ValueStreamTesting

@testable import ValueStreamCore

@Suite("Identity")
struct IdentityTests {
  @Test(
    "SHA-256 gives the published digests",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      // Lengths around block boundaries, where the padding may need another block.
      (String(repeating: "a", count: 55), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"),
      (String(repeating: "a", count: 56), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"),
      (String(repeating: "a", count: 63), "7d3e74a05d7db15bce4ad9ec0658ea98e3f06eeecf16b4c6fff2da457ddc2f34"),
      (String(repeating: "a", count: 64), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"),
      (String(repeating: "a", count: 119), "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"),
      (String(repeating: "a", count: 1000), "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"),
    ])
  func sha256(text: String, digest: String) {
    #expect(Hex.text(of: SHA256.hash(of: text).bytes) == digest)
  }

  @Test("Trace and span ids can be computed with sha256sum")
  func ids() throws {
    // printf 'trace:github:github.com:197483389:issue:36' | sha256sum
    let key = SubjectKey(source: "github", host: "github.com", container: "197483389", kind: "issue", id: "36")
    #expect(key.description == "github:github.com:197483389:issue:36")
    #expect(TraceID(root: key).description == String(Hex.text(of: SHA256.hash(of: "trace:\(key)").bytes).prefix(32)))
    #expect(SpanID(key: key, attempt: 2).description == String(Hex.text(of: SHA256.hash(of: "span:\(key):2").bytes).prefix(16)))
    #expect(TraceID(TraceID(root: key).description) == TraceID(root: key))
    #expect(SpanID(SpanID(key: key, attempt: 1).description) == SpanID(key: key, attempt: 1))
    #expect(TraceID("0000000000000000") == nil)
    #expect(SpanID("12") == nil)
  }

  @Test("The parts of a key are encoded, so that a key splits without doubt")
  func encoding() throws {
    let key = SubjectKey(source: "jenkins", host: "ci.acme.org:8080", container: "folder/job a", kind: "build", id: "252")
    #expect(key.description == "jenkins:ci.acme.org%3A8080:folder%2Fjob%20a:build:252")
    #expect(SubjectKey(key.description) == key)
    #expect(key.source == "jenkins")
    #expect(key.encodedID == "252")
    #expect(!key.isFallback)
    #expect(SubjectKey(source: "github", host: "github.com", container: "=site", kind: "issue", id: "7").isFallback)
    #expect(!SubjectKey(source: "a", host: "", container: "x=y", kind: "k", id: "1").isFallback)
    for text in ["", "a:b:c:d", "a:b:c:d:e:f", ":b:c:d:e", "a:b:c::e", "a:b:c:d:", "a:b:c d:e:f"] {
      #expect(SubjectKey(text) == nil, "\(text)")
    }
  }

  @Test(
    "A classic id is found in text with all it may stand for",
    arguments: [
      ("feature/vstrace-github-issue-site-36", ["vstrace-github-issue-site-36"]),
      ("vstrace-github-issue-r-1-fix", ["vstrace-github-issue-r-1-fix", "vstrace-github-issue-r-1"]),
      ("see vstrace-github-issue-my.repo-1.", ["vstrace-github-issue-my.repo-1"]),
      ("vstrace-customhttp-deploy--d1", ["vstrace-customhttp-deploy--d1"]),
      ("vstrace-github", []), ("nothing here", []), ("", []),
      ("vstrace-a-b vstrace-jiracloud-issue-TP-3", ["vstrace-jiracloud-issue-TP-3"]),
    ])
  func classicIDs(text: String, candidates: [String]) {
    let found = ClassicID.find(in: text).map(ClassicID.candidates(in:)) ?? []
    #expect(found.filter { candidates.contains($0) } == candidates)
    #expect(found.isEmpty == candidates.isEmpty)
    #expect(found.first == candidates.first)
  }

  @Test("The candidates of a text are its shorter forms with five parts or more", arguments: Seeds.upTo(20))
  func candidates(seed: UInt64) {
    var random = SeededRandom(seed: seed)
    for _ in 0..<200 {
      let parts = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        ["", "a", "vstrace", "r1", "\u{E9}"].randomElement(using: &random) ?? ""
      }
      let text = parts.reduce("vstrace") { $0 + (["-", "-", ".", "_"].randomElement(using: &random) ?? "-") + $1 }
      // By definition: cut at separators from the right, without those at the end.
      var expected: [String] = []
      var rest = text
      while expected.count < 32 {
        while let last = rest.last, "-._".contains(last) { rest.removeLast() }
        guard rest.split(separator: "-", omittingEmptySubsequences: false).count >= 5 else { break }
        expected.append(rest)
        while let last = rest.last, !"-._".contains(last) { rest.removeLast() }
      }
      #expect(ClassicID.candidates(in: text) == expected)
      #expect(Reference(.classicID, text).candidateCount == Reference(.classicID, text).candidates.count)
    }
  }

  @Test("Strings are told apart by each of their bytes, whatever their length")
  func bytes() {
    for length in 0...40 {
      let text = String(repeating: "x", count: length)
      #expect(text.hasSameBytes(as: text.dropFirst(0).description) && text.isASCII)
      #expect(!text.hasSameBytes(as: text + "x"))
      for place in 0..<length {
        let other = text.prefix(place) + "y" + text.dropFirst(place + 1)
        #expect(!text.hasSameBytes(as: String(other)), "\(length), \(place)")
        let accented = text.prefix(place) + "\u{E9}" + text.dropFirst(place + 1)
        #expect(!String(accented).isASCII, "\(length), \(place)")
      }
    }
    let (composed, decomposed) = (Reference(.branch, "caf\u{E9}"), Reference(.branch, "cafe\u{301}"))
    #expect(composed != decomposed && Set([composed, decomposed, composed]).count == 2)
    #expect(Set([Reference(.commit, "a"), Reference(.branch, "a"), Reference(.commit, "a")]).count == 2)
  }
}
