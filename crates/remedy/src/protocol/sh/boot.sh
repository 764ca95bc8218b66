# Says which boot of this host this is, as a start will see it.
read -r word nonce rest
check_header
find_boot
say boot "$here"
