// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//===- CommandLine.h - mistakes on the command line as one line, like any other error ---------------------===//

#ifndef MOE_TOOLS_COMMANDLINE_H
#define MOE_TOOLS_COMMANDLINE_H

#include "moe/Checkpoint/Expected.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

/// Parses the options of one category; only --help and --version end the process.
inline ::moe::Expected<::moe::Unit> parseFlags(int argc, char **argv, llvm::cl::OptionCategory &category,
                                               llvm::StringRef overview) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::cl::HideUnrelatedOptions(category);
  if (llvm::cl::ParseCommandLineOptions(argc, argv, overview, &os))
    return ::moe::Unit();
  llvm::StringRef line = llvm::StringRef(text).ltrim().split('\n').first;
  // Empty when the option has said itself, on standard error, what is wrong with its value.
  return ::moe::Error{line.split(": ").second.str()};
}

/// Takes a name from the library that has a flag of it.
inline bool freeFlag(llvm::StringRef name) {
  if (llvm::cl::Option *other = llvm::cl::getRegisteredOptions().lookup(name))
    other->removeArgument();
  return true;
}

/// --without-pass, of the tools that compile.
inline llvm::cl::list<std::string> &withoutPassFlag(llvm::cl::OptionCategory &category) {
  static llvm::cl::list<std::string> flag("without-pass", llvm::cl::CommaSeparated, llvm::cl::cat(category),
                                          llvm::cl::value_desc("name"),
                                          llvm::cl::desc("passes to leave out, to see what they bring"));
  return flag;
}

/// What every main ends with.
inline int finish(llvm::StringRef tool, const ::moe::Expected<::moe::Unit> &result) {
  if (result)
    return 0;
  if (!result.message().empty())
    llvm::errs() << tool << ": error: " << result.message() << "\n";
  return 1;
}

#endif // MOE_TOOLS_COMMANDLINE_H
