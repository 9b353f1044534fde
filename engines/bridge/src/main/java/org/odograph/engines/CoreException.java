package org.odograph.engines;

/** The core could not answer; sending the same request again would not help. */
public final class CoreException extends RuntimeException {
  public CoreException(String message, Throwable cause) {
    super(message, cause);
  }
}
