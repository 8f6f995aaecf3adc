/// Finds the number of a change in a CI ref: `refs/pull/12/merge`, `refs/merge-requests/12/head`, `PR-12`.
///
/// Source: GitHub Docs, "Checking out pull requests locally"; GitLab Docs, "Merge request pipelines"; the branch source
/// plugins of Jenkins.
public enum ChangeNumber {
  public static func find(inRef ref: String) -> Int64? {
    let parts = ref.split(separator: "/")
    for (kind, number) in zip(parts, parts.dropFirst()) where ["pull", "pr", "merge-requests"].contains(kind.lowercased()) {
      return value(number)
    }
    guard let last = parts.last else { return nil }
    // Jenkins appends `-head` or `-merge` if it builds both.
    let words = last.split(separator: "-")
    guard words.count == 2 || words.count == 3 && ["head", "merge"].contains(words[2]), ["PR", "MR"].contains(words[0]) else {
      return nil
    }
    return value(words[1])
  }

  private static func value(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } ? Int64(text) : nil
  }
}
