#!/usr/bin/perl
# What update-ca-certificates does on a fresh system, in one process instead of eight for each of 150 certificates.
# Anything but the plain case (local or deselected certificates, hooks, other options) is left to the real program, which
# the build keeps at /run/ashlar/update-ca-certificates.
use strict;
use warnings;

my ($conf, $source, $local, $target) = ('/etc/ca-certificates.conf', '/usr/share/ca-certificates', '/usr/local/share/ca-certificates', '/etc/ssl/certs');
my @arguments = @ARGV;
sub real { exec '/run/ashlar/update-ca-certificates', @arguments or die "cannot run update-ca-certificates: $!\n" }

my $hooks = '/etc/ca-certificates/update.d';
if (@ARGV == 2 && $ARGV[0] eq '--hooksdir' && $ARGV[1] eq '') { $hooks = '' }
elsif (@ARGV) { real() }
real() if ! -s $conf || glob("$local/*") || ($hooks ne '' && glob("$hooks/*"));

open my $list, '<', $conf or die "$conf: $!\n";
my @names = grep { $_ ne '' && !/^#/ } map { chomp; $_ } <$list>;
close $list;
real() if grep { /^!/ || ! -f "$source/$_" } @names;

my ($bundle, $added) = ('', 0);
for my $name (@names) {
  my $file = "$source/$name";
  (my $link = $name) =~ s{.*/}{};
  $link =~ s/\.crt$//;
  $link =~ tr/ ,()/__==/;
  $link = "$target/$link.pem";
  if (! -e $link || (readlink($link) // '') ne $file) {
    unlink $link;
    symlink $file, $link or die "$link: $!\n";
    $added++;
  }
  open my $certificate, '<:raw', $file or die "$file: $!\n";
  my $text = do { local $/; <$certificate> };
  close $certificate;
  $text .= "\n" if $text ne '' && $text !~ /\n\z/;
  $bundle .= $text;
}
if ($added) {
  chdir $target or die "$target: $!\n";
  system('openssl rehash . > /dev/null') == 0 or die "openssl rehash failed\n";
}
open my $out, '>:raw', "$target/ca-certificates.crt.new" or die "$target: $!\n";
print $out $bundle;
close $out or die "$target: $!\n";
chmod 0644, "$target/ca-certificates.crt.new";
rename "$target/ca-certificates.crt.new", "$target/ca-certificates.crt" or die "$target: $!\n";
print "$added added, 0 removed; done.\n";
