/* Keeps the folder: bcc expects it beside include/. */
